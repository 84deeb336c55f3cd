# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import base64
import json
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.health import checks as groups

CAPTURED = json.loads((Path(__file__).parents[1] / "captured.json").read_text())
# Five minutes after the last of what was captured.
NOW = groups.seconds("2026-11-21T16:25:19Z")


def run(check, *given):
    entries, reasons = check(*given)
    return entries, [str(reason) for reason in reasons]


def pod(name="wallet-1", phase="Running", ready="True", **metadata):
    conditions = [
        {
            "type": "Ready",
            "status": ready,
            "message": "" if ready == "True" else "containers with unready status: [wallet]",
        }
    ]
    return {"metadata": {"name": name, **metadata}, "status": {"phase": phase, "conditions": conditions}}


def test_pods_that_are_not_well_are_told_by_their_trouble():
    found, reasons = run(groups.pods, CAPTURED["pods"].values(), NOW)
    assert {entry["name"].rsplit("-", 2)[0] for entry in found} == set(CAPTURED["pods"]) - {
        "live",
        "oom",
    }  # those two ran at that moment
    assert any(
        reason.startswith("pod missing-key-") and "couldn't find key password" in reason for reason in reasons
    )
    assert not any("\n" in entry["reason"] for entry in found)


@pytest.mark.parametrize(
    ("given", "why"),
    [
        (pod(), None),
        (pod(phase="Succeeded", ready="False"), None),
        (pod(ready="False"), "pod wallet-1: not ready, containers with unready status: [wallet]"),
        (pod(phase="Unknown"), "pod wallet-1: Unknown"),
        (pod(deletionTimestamp="2026-11-21T16:25:00Z"), None),
        (pod(deletionTimestamp="2026-11-21T16:20:19Z"), "pod wallet-1: was to be gone 300 s ago"),
    ],
)
def test_what_counts_as_a_pod_that_is_not_well(given, why):
    assert run(groups.pods, [given], NOW)[1] == ([why] if why else [])


def test_restarts_count_within_the_time_only():
    given = [CAPTURED["pods"]["oom"]]
    found, reasons = run(groups.restarts, given, NOW, 3600, 0)
    assert (found[0]["container"], found[0]["restarts"], found[0]["reason"], found[0]["exit_code"]) == (
        "oom",
        9,
        "OOMKilled",
        137,
    )
    assert (
        "container oom: restarted at 2026-11-21T16:20:04Z (OOMKilled, exit code 137), 9 in all" in reasons[0]
    )
    assert run(groups.restarts, given, NOW, 3600, 9) == (found, []) and run(
        groups.restarts, given, NOW, 60, 0
    ) == (
        [],
        [],
    )


def test_warning_events_of_one_object_for_one_reason_are_one():
    found, reasons = run(groups.events, CAPTURED["events"], NOW, 3600, 0)
    assert (
        len(found)
        == len({(event["kind"], event["name"], event["reason"]) for event in found})
        == len(reasons)
        > 5
    )
    assert [event["at"] for event in found] == sorted(event["at"] for event in found)
    assert not any(
        "Back-off" in event["message"] or event["message"] == "Error: ErrImagePull" for event in found
    )
    probe = next(
        event
        for event in found
        if event["message"] == "Readiness probe failed: HTTP probe failed with statuscode: 503"
    )
    assert (probe["reason"], probe["count"]) == ("Unhealthy", 25)
    assert run(groups.events, CAPTURED["events"], NOW, 3600, len(found))[1] == [] and run(
        groups.events, CAPTURED["events"], NOW, 10, 0
    ) == ([], [])
    assert run(
        groups.events,
        [{"type": "Normal", "lastTimestamp": "2026-11-21T16:25:00Z"}, {"type": "Warning"}],
        NOW,
        3600,
        0,
    ) == ([], [])


def test_claims_that_are_not_bound():
    bound = {
        "metadata": {"name": "data"},
        "spec": {},
        "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}},
    }
    waits = {
        "metadata": {"name": "more"},
        "spec": {"storageClassName": "fast", "resources": {"requests": {"storage": "2Gi"}}},
        "status": {"phase": "Pending"},
    }
    found, reasons = run(groups.volumes, [bound, waits])
    assert [claim["capacity"] for claim in found] == ["1Gi", ""] and reasons == [
        "PersistentVolumeClaim more: Pending, 2Gi of class fast"
    ]


def test_budgets_that_are_not_met():
    def budget(name, healthy):
        return {
            "metadata": {"name": name},
            "status": {"currentHealthy": healthy, "desiredHealthy": 2, "disruptionsAllowed": 0},
        }

    found, reasons = run(groups.budgets, [budget("wallet", 2), budget("auth", 1)])
    assert [entry["disruptions_allowed"] for entry in found] == [0, 0] and reasons == [
        "PodDisruptionBudget auth: 1 healthy pods of 2"
    ]


def test_certificates_that_end_soon_have_ended_or_are_none():
    from ..api.test_certificate import Encoding, made, stamp

    def secret(name, pem):
        return {
            "metadata": {"name": name},
            "data": {"tls.crt": base64.b64encode(pem).decode(), "tls.key": "c2VjcmV0"},
        }

    now = stamp(2026) - 10 * 86400
    given = [
        secret("soon", made(2026)),
        secret("later", made(2030)),
        secret("ended", made(2025)),
        secret("none", b"x"),
        {"metadata": {"name": "empty"}},
    ]
    found, reasons = run(groups.certificates, given, now, 30)
    assert [entry["days_left"] for entry in found] == [10.0, 1471.0, -355.0, None, None]
    assert reasons == [
        "certificate of Secret soon: expires in 10 days, at 2026-02-03T04:05:06Z",
        "certificate of Secret ended: expired 355 days ago, at 2025-02-03T04:05:06Z",
        "certificate of Secret none: it holds no certificate in PEM",
        "certificate of Secret empty: it holds no certificate in PEM",
    ]
    assert run(groups.api_server, made(2026, Encoding.DER), now, 5)[1] == []
    assert run(groups.api_server, b"", now, 5)[1] == [
        "certificate of API server: it holds something that is not a certificate"
    ]
