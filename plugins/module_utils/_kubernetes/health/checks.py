# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What else of a namespace and its cluster can be unwell: pure, each over the objects of one list.

Every group gives what it found, for the result, and the reasons for which that is not well.
"""

from __future__ import annotations

import base64
import datetime
import typing as t

from ..api import certificate
from ..api.port import Object
from ..diagnosis import pod_problems as diagnosis
from ..workload.status import conditions, statuses

Entries = list[dict[str, t.Any]]
Found = tuple[Entries, list[str]]

# Beyond its own grace: a node that does not answer, or a finalizer that nobody takes away.
_LEAVING_SECONDS = 60
_DAY = 86400.0


def pods(items: t.Iterable[Object], now: float) -> Found:
    """Those that do not run as they should; what has completed is well."""
    found: Entries = []
    reasons = []
    for pod in items:
        why = _unwell(pod, now)
        if why:
            phase = (pod.get("status") or {}).get("phase", "")
            found.append({"name": pod["metadata"]["name"], "phase": phase, "reason": why.partition("\n")[0]})
            reasons.append(why)
    return found, reasons


def _unwell(pod: Object, now: float) -> str:
    name, status = pod["metadata"]["name"], pod.get("status") or {}
    leaving = pod["metadata"].get("deletionTimestamp")
    if leaving:
        late = now - seconds(leaving)  # the time it names is the end of its grace
        return f"pod {name}: was to be gone {late:.0f} s ago" if late > _LEAVING_SECONDS else ""
    said = diagnosis.problem_of(pod)
    if said:
        return str(said)
    if status.get("phase") == "Succeeded":
        return ""
    if status.get("phase") != "Running":
        return f"pod {name}: {status.get('phase', 'Unknown')}"
    unready = diagnosis.unready(pod)
    return f"pod {name}: not ready, {unready}" if unready else ""


def restarts(items: t.Iterable[Object], now: float, since: float, allowed: int) -> Found:
    """Containers that ended and were started again within the
    time. Kubernetes keeps the total and the last end only.
    """
    found: Entries = []
    for pod in items:
        for status in statuses(pod):
            ended = (status.get("lastState") or {}).get("terminated") or {}
            at = ended.get("finishedAt")
            if at and status.get("restartCount", 0) and now - seconds(at) <= since:
                entry = {
                    "pod": pod["metadata"]["name"],
                    "container": status.get("name", ""),
                    "restarts": status["restartCount"],
                    "at": at,
                }
                found.append({**entry, "reason": ended.get("reason", ""), "exit_code": ended.get("exitCode")})
    reasons = [
        f"pod {entry['pod']}, container {entry['container']}: restarted at {entry['at']} ({entry['reason']}, exit code {entry['exit_code']}),"
        f" {entry['restarts']} in all"
        for entry in found
        if entry["restarts"] > allowed
    ]
    return found, reasons


def events(items: t.Iterable[Object], now: float, since: float, allowed: int) -> Found:
    """Warning events of the time, one entry for what happened to one object for one reason."""
    found: dict[tuple[str, str, str], dict[str, t.Any]] = {}
    for event in sorted(items, key=diagnosis.happened):
        at = diagnosis.happened(event)
        if event.get("type") != "Warning" or diagnosis.is_noise(event) or not at or now - seconds(at) > since:
            continue
        about = event.get("involvedObject") or {}
        key = (str(about.get("kind", "")), str(about.get("name", "")), str(event.get("reason", "")))
        count = int(event.get("count") or (event.get("series") or {}).get("count") or 1) + found.pop(
            key, {}
        ).get("count", 0)
        found[key] = {
            "kind": key[0],
            "name": key[1],
            "reason": key[2],
            "message": str(event.get("message", "")).strip(),
            "count": count,
            "at": at,
        }
    told = list(found.values())
    reasons = [
        f"{event['kind']} {event['name']}: {event['reason']}: {event['message']} ({event['count']} times)"
        for event in told
    ]
    return told, reasons if len(told) > allowed else []


def volumes(items: t.Iterable[Object]) -> Found:
    found: Entries = []
    for claim in items:
        status, spec = claim.get("status") or {}, claim.get("spec") or {}
        capacity = (status.get("capacity") or {}).get("storage", "")
        asked = ((spec.get("resources") or {}).get("requests") or {}).get("storage", "")
        resizing = [
            kind for kind, condition in conditions(claim).items() if condition.get("status") == "True"
        ]
        entry = {
            "name": claim["metadata"]["name"],
            "phase": status.get("phase", ""),
            "class": spec.get("storageClassName") or "",
        }
        found.append({**entry, "capacity": capacity, "requested": asked, "conditions": resizing})
    reasons = [
        f"PersistentVolumeClaim {claim['name']}: {claim['phase'] or 'no phase'}, {claim['requested']} of class {claim['class'] or '(none)'}"
        for claim in found
        if claim["phase"] != "Bound"
    ]
    return found, reasons


def budgets(items: t.Iterable[Object]) -> Found:
    """PodDisruptionBudgets: one that its pods do not meet is
    unwell; one that is met and allows nothing is only told.
    """
    found: Entries = []
    for budget in items:
        now = budget.get("status") or {}
        entry = {
            "name": budget["metadata"]["name"],
            "healthy": now.get("currentHealthy", 0),
            "desired": now.get("desiredHealthy", 0),
        }
        found.append({**entry, "disruptions_allowed": now.get("disruptionsAllowed", 0)})
    return found, [
        f"PodDisruptionBudget {b['name']}: {b['healthy']} healthy pods of {b['desired']}"
        for b in found
        if b["healthy"] < b["desired"]
    ]


def certificates(secrets: t.Iterable[Object], now: float, days: float) -> Found:
    """Of TLS Secrets: only the certificate is looked at, and of it only the dates."""
    found: Found = ([], [])
    for secret in secrets:
        pem = base64.b64decode((secret.get("data") or {}).get("tls.crt") or "").decode(
            "ascii", errors="replace"
        )
        _judge(found, f"Secret {secret['metadata']['name']}", certificate.first_end, pem, now, days)
    return found


def api_server(der: bytes, now: float, days: float) -> Found:
    found: Found = ([], [])
    _judge(found, "API server", certificate.end, der, now, days)
    return found


def _judge(
    found: Found, name: str, read: t.Callable[[t.Any], float], given: str | bytes, now: float, days: float
) -> None:
    try:
        end = read(given)
    except ValueError as exc:
        found[0].append({"name": name, "not_after": None, "days_left": None})
        found[1].append(f"certificate of {name}: {exc}")
        return
    left = (end - now) / _DAY
    at = datetime.datetime.fromtimestamp(end, tz=datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found[0].append({"name": name, "not_after": at, "days_left": round(left, 1)})
    if left < days:
        found[1].append(
            f"certificate of {name}: {f'expired {-left:.0f} days ago' if left < 0 else f'expires in {left:.0f} days'}, at {at}"
        )


def seconds(stamp: str) -> float:
    """Of a time as Kubernetes writes it, with or without a fraction, in seconds since the epoch."""
    return (
        datetime.datetime.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")
        .replace(tzinfo=datetime.timezone.utc)
        .timestamp()
    )
