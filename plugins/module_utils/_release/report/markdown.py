# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The report of a release as Markdown: pure, over the record.

It holds nothing but what the record holds, so the report of
a finished release is the same whenever it is written.
"""

from __future__ import annotations

import datetime
import typing as t

Entry = dict[str, t.Any]


def markdown(platform: str, release: str, record: dict[str, t.Any]) -> str:
    """:param record: ``attempt``, ``entries`` and ``verdict`` as the record of the release holds them."""
    closed, entries = record["verdict"], record["entries"]
    said = {
        "succeeded": "succeeded",
        "rolled_back": "failed and was rolled back",
        "failed": "failed",
        "unchanged": "had nothing to do",
    }[closed["verdict"]]
    lines = [f"# Release {release} of {platform} {said}", ""]
    lines += _table(("", ""), _facts(record))
    if closed.get("reason"):
        lines += ["", "## Why it failed", "", "```text", *closed["reason"].strip().splitlines(), "```"]
    if closed["verdict"] == "unchanged":
        lines += ["", "Every service ran on this release already."]
    services = [
        (entry["wave"], workload)
        for entry in entries
        if entry["kind"] == "wave"
        for workload in entry.get("workloads", [])
        if workload["changed"]
    ]
    if services:
        lines += ["", "## Services", ""]
        head = ("service", "container", "from", "to", "digest", "wave", "seconds")
        digests = {
            name: found
            for entry in entries
            if entry["kind"] == "images"
            for name, found in entry["digests"].items()
        }
        lines += _table(
            head,
            [
                row
                for wave, workload in services
                for row in _service_rows(wave, workload, digests.get(workload["name"], {}))
            ],
        )
    waves = [entry for entry in entries if entry["kind"] == "wave" and entry["phase"] == "began"]
    if waves:
        lines += ["", "## Waves", ""]
        lines += _table(
            ("wave", "services", "began", "ended", "result"), [_wave_row(entry, entries) for entry in waves]
        )
    if closed.get("smoke"):
        lines += ["", "## Smoke checks", ""]
        lines += _table(
            ("check", "result", "status", "ms", "tries"), [_smoke_row(check) for check in closed["smoke"]]
        )
    undone = [entry for entry in entries if entry["kind"] == "rollback"]
    if undone:
        lines += ["", "## What was undone", "", *_undone(undone)]
    return "\n".join(lines) + "\n"


def _facts(record: dict[str, t.Any]) -> list[tuple[str, str]]:
    entries, closed = record["entries"], record["verdict"]
    rows = [("verdict", closed["verdict"].replace("_", " "))]
    if entries:
        began, ended = entries[0]["at"], closed.get("at", entries[-1]["at"])
        rows += [
            ("began", began),
            ("ended", ended),
            ("took", _took(began, ended)),
            ("attempt", str(record["attempt"])),
        ]
    return rows


def _took(began: str, ended: str) -> str:
    stamps = [datetime.datetime.strptime(stamp, "%Y-%m-%dT%H:%M:%SZ") for stamp in (began, ended)]
    minutes, seconds = divmod(int((stamps[1] - stamps[0]).total_seconds()), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"


def _service_rows(wave: int, workload: dict[str, t.Any], digests: dict[str, str]) -> list[tuple[str, ...]]:
    return [
        (
            workload["name"],
            container,
            f"`{workload['images_before'].get(container, '')}`",
            f"`{image}`",
            f"`{digests.get(container, 'not reported')}`",
            str(wave),
            str(workload.get("seconds", "")),
        )
        for container, image in workload["images"].items()
    ]


def _wave_row(began: Entry, entries: list[Entry]) -> tuple[str, ...]:
    ended = [
        entry
        for entry in entries
        if entry["kind"] == "wave"
        and entry["phase"] == "ended"
        and entry["wave"] == began["wave"]
        and entry["at"] >= began["at"]
    ]
    result = (
        "interrupted"
        if not ended
        else f"failed: {ended[0]['failed']}"
        if ended[0].get("failed")
        else "rolled out"
    )
    return (
        str(began["wave"]),
        ", ".join(began["changes"]),
        began["at"],
        ended[0]["at"] if ended else "",
        result,
    )


def _smoke_row(check: dict[str, t.Any]) -> tuple[str, ...]:
    result = "passed" if check["passed"] else f"failed: {check.get('reason', '')}"
    return (
        check["name"],
        result,
        *(
            ("" if check.get(key) is None else str(check[key]))
            for key in ("status", "milliseconds", "attempts")
        ),
    )


def _undone(entries: list[Entry]) -> list[str]:
    lines: list[str] = []
    for entry in entries:
        if entry["phase"] == "began":
            lines += [
                f"Rollback began {entry['at']}: {', '.join(entry['workloads'])}."
                + (f" Why: {entry['reason'].splitlines()[0]}" if entry["reason"] else "")
            ]
            continue
        lines += [f"Rollback ended {entry['at']}.", ""]
        rows = [
            (w["name"], f"`{w['images_before'][c]}`", f"`{image}`", str(w.get("seconds", "")))
            for w in entry["workloads"]
            for c, image in w["images"].items()
        ]
        lines += _table(("service", "from", "back to", "seconds"), rows)
        lines += [line for failed in entry["failed"] for line in ("", "```text", *failed.splitlines(), "```")]
    return lines


def _table(head: tuple[str, ...], rows: t.Iterable[tuple[str, ...]]) -> list[str]:
    lines = ["| " + " | ".join(head) + " |", "|" + " --- |" * len(head)]
    return lines + [
        "| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in row) + " |" for row in rows
    ]
