# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What else of a namespace and its cluster can be unhealthy: pure, each over the objects of one list.

Every group gives what it found, for the result, and the reasons for which that is unhealthy.
"""

from __future__ import annotations

import base64
import datetime
import typing as t

from ..._common.verdict import Reason
from ..api import certificate
from ..api.port import Object
from ..diagnosis import pod_problems as diagnosis
from ..workload.status import conditions, statuses

Entries = list[dict[str, t.Any]]
Found = tuple[Entries, list[Reason]]

# Beyond its own grace: a node that does not answer, or a finalizer that nobody takes away.
_LEAVING_SECONDS = 60
_DAY = 86400.0


def pods(items: t.Iterable[Object], now: float) -> Found:
    """Those that do not run as they should; what has completed is healthy."""
    found: Entries = []
    reasons = []
    for pod in items:
        reason = _unhealthy(pod, now)
        if reason:
            phase = (pod.get("status") or {}).get("phase", "")
            shown = str(reason).partition("\n")[0]
            found.append({"name": pod["metadata"]["name"], "phase": phase, "reason": shown})
            reasons.append(reason)
    return found, reasons


def _unhealthy(pod: Object, now: float) -> Reason | None:
    about, status = f"pod {pod['metadata']['name']}", pod.get("status") or {}
    leaving = pod["metadata"].get("deletionTimestamp")
    if leaving:
        late = now - seconds(leaving)  # the time it names is the end of its grace
        return Reason(about, f"was to be gone {late:.0f} s ago") if late > _LEAVING_SECONDS else None
    problem = diagnosis.problem_of(pod)
    if problem:
        return Reason(problem.where, problem.text)
    phase = status.get("phase", "Unknown")
    if phase == "Succeeded":
        return None
    if phase != "Running":
        return Reason(about, phase)
    unready = diagnosis.unready(pod)
    return Reason(about, f"not ready, {unready}") if unready else None


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
        Reason(
            f"pod {entry['pod']}, container {entry['container']}",
            f"restarted at {entry['at']} ({entry['reason']}, exit code {entry['exit_code']}), "
            f"{entry['restarts']} in all",
        )
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
    entries = list(found.values())
    reasons = [
        Reason(
            f"{event['kind']} {event['name']}",
            f"{event['reason']}: {event['message']} ({event['count']} times)",
        )
        for event in entries
    ]
    return entries, reasons if len(entries) > allowed else []


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
        Reason(
            f"PersistentVolumeClaim {claim['name']}",
            f"{claim['phase'] or 'no phase'}, {claim['requested']} of class {claim['class'] or '(none)'}",
        )
        for claim in found
        if claim["phase"] != "Bound"
    ]
    return found, reasons


def budgets(items: t.Iterable[Object]) -> Found:
    """PodDisruptionBudgets: one that its pods do not meet is
    unhealthy; one that is met and allows nothing is only reported.
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
        Reason(
            f"PodDisruptionBudget {entry['name']}", f"{entry['healthy']} healthy pods of {entry['desired']}"
        )
        for entry in found
        if entry["healthy"] < entry["desired"]
    ]


def certificates(secrets: t.Iterable[Object], now: float, days: float) -> Found:
    """Of TLS Secrets: only the certificate is read, and of it only the dates."""
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
        found[1].append(Reason(f"certificate of {name}", str(exc)))
        return
    left = (end - now) / _DAY
    at = datetime.datetime.fromtimestamp(end, tz=datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
    found[0].append({"name": name, "not_after": at, "days_left": round(left, 1)})
    if left < days:
        when = f"expired {-left:.0f} days ago" if left < 0 else f"expires in {left:.0f} days"
        found[1].append(Reason(f"certificate of {name}", f"{when}, at {at}"))


def seconds(stamp: str) -> float:
    """Of a time as Kubernetes writes it, with or without a fraction, in seconds since the epoch."""
    return (
        datetime.datetime.strptime(stamp[:19], "%Y-%m-%dT%H:%M:%S")
        .replace(tzinfo=datetime.timezone.utc)
        .timestamp()
    )
