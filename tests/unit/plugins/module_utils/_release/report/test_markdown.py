# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

from ansible_collections.runbook.release.plugins.module_utils._release.report.markdown import markdown
from ansible_collections.runbook.release.plugins.module_utils._release.verdict import verdict

WAVE: list[dict[str, t.Any]] = [
    {"kind": "wave", "phase": "began", "at": "2026-01-01T03:00:00Z", "wave": 1, "changes": {"auth": {}}},
    {
        "kind": "wave",
        "phase": "ended",
        "at": "2026-01-01T03:00:05Z",
        "wave": 1,
        "workloads": [
            {
                "name": "auth",
                "changed": True,
                "images_before": {"auth": "r/auth:1.0.0"},
                "images": {"auth": "r/auth:1.1.0"},
                "seconds": 4.2,
            }
        ],
    },
    {
        "kind": "images",
        "phase": "ended",
        "at": "2026-01-01T03:00:05Z",
        "digests": {"auth": {"auth": "sha256:abc"}},
    },
]
FAILED: list[dict[str, t.Any]] = [
    {"kind": "wave", "phase": "began", "at": "2026-01-01T03:00:06Z", "wave": 2, "changes": {"wallet": {}}},
    {
        "kind": "wave",
        "phase": "ended",
        "at": "2026-01-01T03:00:09Z",
        "wave": 2,
        "failed": "wallet will not become ready.",
    },
]
UNDONE: list[dict[str, t.Any]] = [
    {
        "kind": "rollback",
        "phase": "began",
        "at": "2026-01-01T03:00:10Z",
        "workloads": ["wallet", "auth"],
        "reason": "wallet will not become ready.\n  more",
    },
    {
        "kind": "rollback",
        "phase": "ended",
        "at": "2026-01-01T03:00:12Z",
        "failed": [],
        "workloads": [
            {
                "name": "auth",
                "images_before": {"auth": "r/auth:1.1.0"},
                "images": {"auth": "r/auth:1.0.0"},
                "seconds": 1.5,
            }
        ],
    },
]


def report(entries: t.Any, reason: str = "", smoke: t.Any = ()) -> t.Any:
    closed = {
        "verdict": verdict(entries, reason),
        "reason": reason,
        "smoke": list(smoke),
        "at": "2026-01-01T03:01:00Z",
    }
    return markdown("exchange", "1.1.0", {"attempt": 2, "entries": entries, "verdict": closed})


def test_a_good_release_tells_versions_digests_waves_and_smoke_checks() -> None:
    smoke = [
        {
            "name": "login|token",
            "passed": True,
            "status": 200,
            "milliseconds": 12,
            "attempts": 1,
            "reason": "",
        }
    ]
    text = report(WAVE, smoke=smoke)
    assert text.startswith("# Release 1.1.0 of exchange succeeded\n")
    assert "| auth | auth | `r/auth:1.0.0` | `r/auth:1.1.0` | `sha256:abc` | 1 | 4.2 |" in text
    assert "| 1 | auth | 2026-01-01T03:00:00Z | 2026-01-01T03:00:05Z | rolled out |" in text
    assert "| login\\|token | passed | 200 | 12 | 1 |" in text
    assert "| took | 1 min 0 s |" in text and "undone" not in text


def test_a_release_that_was_undone_tells_what_and_why() -> None:
    text = report(WAVE + FAILED + UNDONE, "wallet will not become ready.\n  exit code 3")
    assert "failed and was rolled back" in text and "  exit code 3" in text
    assert "failed: wallet will not become ready." in text
    assert "Rollback began 2026-01-01T03:00:10Z: wallet, auth. Why: wallet will not become ready." in text
    assert "| auth | `r/auth:1.1.0` | `r/auth:1.0.0` | 1.5 |" in text


def test_a_wave_without_an_end_was_interrupted() -> None:
    assert "| interrupted |" in report(WAVE[:1], "killed")


def test_the_verdict() -> None:
    assert verdict([], "") == "unchanged"
    assert verdict([], "no namespace") == "failed"
    assert verdict(WAVE, "") == "succeeded"
    assert verdict(WAVE + UNDONE, "x") == "rolled_back"
    assert verdict(WAVE + [{**UNDONE[1], "failed": ["wallet stuck"]}], "x") == "failed"
