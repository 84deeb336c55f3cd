# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Rolling out waves: everything is planned before anything changes, then each wave is changed as a whole and waited for."""

from __future__ import annotations

import typing as t

from .._common._errors import InputError, ReleaseError
from .._common._operation import Context, Result
from . import _baseline as baseline
from ._change import Change, begin, diff, short
from ._lock import Lock, LockLost
from ._port import KubeApi, Object, deployments
from ._record import Record
from ._settle import Target, Wait
from ._workload import absent, by_name, images


def plan(workloads: list[dict[str, t.Any]], there: dict[str, Object], release: str) -> list[Change]:
    """Every workload with what has to change. Unknown names and containers, all of them, are one InputError."""
    problems = _problems(workloads, there)
    if problems:
        raise InputError(
            "The rollout does not fit what is in the cluster; nothing was changed.", why=problems, then="correct release_services, or create what is missing"
        )
    return [_change(workload, there[workload["name"]], release) for workload in workloads]


def _problems(workloads: list[dict[str, t.Any]], there: dict[str, Object]) -> list[str]:
    problems = []
    names = [workload["name"] for workload in workloads]
    for name in dict.fromkeys(names):
        if names.count(name) > 1:
            problems.append(f"workload {name} is listed {names.count(name)} times")
        if name not in there:
            problems.append(absent(name, there))
    for workload in workloads:
        known = images(there[workload["name"]]) if workload["name"] in there else None
        for container in workload["images"] if known is not None else []:
            if container not in (known or {}):
                problems.append(f"Deployment {workload['name']} has no container named {container}; it has: {', '.join(known or {})}")
    return problems


def _change(workload: dict[str, t.Any], thing: Object, release: str) -> Change:
    wave = workload["wave"]
    now = {"images": {name: image for name, image in images(thing).items() if name in workload["images"]}, "replicas": thing["spec"].get("replicas", 1)}
    replicas = workload.get("replicas")
    after = {"images": dict(workload["images"]), "replicas": now["replicas"] if replicas is None else replicas}
    target = Target(thing["metadata"]["uid"], dict(workload["images"]))
    if now == after:
        return Change(workload["name"], wave, target, now, after, {})
    # A baseline that this release has recorded already is what ran before it: a second look would record our own half-done work.
    kept = baseline.recorded(thing, release) or baseline.observed(thing, wave)
    annotations: dict[str, str | None] = {baseline.RELEASE: release, baseline.BASELINE: kept.as_text(), baseline.UNDONE: None}
    wanted = {name: image for name, image in after["images"].items() if now["images"][name] != image}
    return Change(workload["name"], wave, target, now, after, baseline.body(thing, wanted, replicas if replicas != now["replicas"] else None, annotations))


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    listing = api.get(deployments(params["namespace"]))
    changes = plan(params["workloads"], by_name(listing), params["release"])
    before, after = diff(changes)
    if context.check_mode:
        for change in changes:
            if change.patch:
                context.say(f"would change {change.name}: {change}")
        return Result(bool(after), before, after, {"workloads": [change.told() for change in changes]})
    record, lock = Record(api, params["namespace"], params["release"], context.clock), Lock(api, context)
    told: list[dict[str, t.Any]] = []
    for wave in sorted({change.wave for change in changes}):
        if told and after:  # seconds have passed: what others have written since counts
            listing = api.get(deployments(params["namespace"]))
        try:
            told += _wave(api, context, [w for w in params["workloads"] if w["wave"] == wave], listing, record, lock)
        except _Stopped as exc:
            where = [*(f"{item['name']} on {_shorts(item['images'])}" for item in told), *exc.where]
            where += [f"{change.name} untouched" for change in changes if change.wave > wave]
            raise _told_where(exc.error, params["release"], where) from exc.error
    return Result(bool(after), before, after, {"workloads": told, "lock_token": params["lock_token"] if lock.token is None else lock.token})


class _Stopped(Exception):
    """A wave that failed, and where its workloads are now."""

    def __init__(self, error: ReleaseError, where: list[str]) -> None:
        super().__init__(str(error))
        self.error, self.where = error, where


def _wave(api: KubeApi, context: Context, workloads: list[dict[str, t.Any]], listing: Object, record: Record, lock: Lock) -> list[dict[str, t.Any]]:
    params, there, wave = context.params, by_name(listing), workloads[0]["wave"]
    changes = plan(workloads, there, params["release"])
    before, after = diff(changes)
    if after:
        lock.enter(params["lock_token"] if lock.token is None else lock.token, params["lock_force"])
        record.begin("wave", {"wave": wave, "changes": {name: {"from": before[name]["images"], "to": after[name]["images"]} for name in after}})
    wait = begin(api, changes, there, context)
    try:
        wait.until_settled(listing["metadata"]["resourceVersion"], params["timeout"], lock.keep)
    except LockLost:
        raise  # the record belongs to the other run now
    except ReleaseError as exc:
        if after:
            record.end("wave", {"wave": wave, "failed": context.redact.text(exc.what)})
        raise _Stopped(exc, [_where(change, wait) for change in changes]) from exc
    digests = wait.digests()
    told = [{**change.told(wait.settled[change.name]), "digests": digests[change.name]} for change in changes]
    if after:
        record.end("wave", {"wave": wave, "workloads": told})
    return told


def _where(change: Change, wait: Wait) -> str:
    to = _shorts(change.after["images"])
    if change.name in wait.settled:
        return f"{change.name} on {to}"
    available = (wait.objects[change.name].get("status") or {}).get("availableReplicas", 0)
    return f"{change.name} between {_shorts(change.before['images'])} and {to} ({available} available)"


def _shorts(images_by_container: dict[str, str]) -> str:
    return ", ".join(short(image) for image in images_by_container.values())


def _told_where(error: ReleaseError, release: str, where: list[str]) -> ReleaseError:
    return type(error)(f"Release {release}: {error.what}", why=[*error.why, "now: " + "; ".join(where)], done=error.done, then=error.then, **error.details)
