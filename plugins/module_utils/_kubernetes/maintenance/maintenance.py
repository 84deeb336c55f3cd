# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Maintenance: replicas and environment for a while, then exactly what was there before.

What was there is remembered on the object in the patch that changes it, so "off" needs nothing but the
cluster. Only what still is as maintenance set it is given back: what a release or a person has changed
meanwhile is theirs. A workload that an autoscaler owns is scaled by the autoscaler's floor.
"""

from __future__ import annotations

import json
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE, TIMEOUT
from ..api.port import MERGE, WORKLOADS, KubeApi, Object, autoscalers
from ..release_state.lock import Lock
from ..rollout.rollout import read
from ..rollout.wave import Wait
from ..workload import fields as parts
from ..workload import validation as asked
from ..workload.autoscaler import owner_of
from ..workload.change import Change, diff, labels
from ..workload.fields import Parts
from .drain import drain

MARK = "runbook.release/maintenance"
_FLOOR = "minReplicas"


class Floor(t.NamedTuple):
    """The change of one HorizontalPodAutoscaler; ``patch`` is empty when nothing has to change."""

    name: str
    before: int
    after: int
    patch: Object

    def __str__(self) -> str:
        return f"minReplicas of HorizontalPodAutoscaler {self.name} {self.before} -> {self.after}"


def on(
    workload: dict[str, t.Any], thing: Object, owner: Object | None, timeout: int
) -> tuple[Change, Floor | None]:
    """What maintenance does to one workload. ``owner``: the autoscaler of the workload, if there is one."""
    wanted = parts.wanted(workload)
    floor = None
    # An autoscaler leaves a workload with 0 replicas alone, so 0 is written to the workload itself.
    if owner is not None and wanted.get(("replicas",)):
        floor = _floor(owner, wanted.pop(("replicas",)))
    marked = _mark(thing)
    before = parts.observed(thing, wanted)
    kept = {
        **before,
        **{
            path: value
            for path, value in parts.flat(marked.get("before", {})).items()
            if path in wanted or path in _set(marked)
        },
    }
    mark = {"before": parts.nested(kept), "set": parts.nested({**_set(marked), **wanted})}
    patch = parts.body(thing, before, wanted, {MARK: _text(mark)}) if parts.differing(before, wanted) else {}
    return Change(
        thing["metadata"]["name"], thing["kind"], thing["metadata"]["uid"], 1, before, wanted, patch, timeout
    ), floor


def off(thing: Object, timeout: int) -> tuple[Change, list[str]]:
    """The way back of a marked workload, and what stays because somebody else has changed it since."""
    marked = _mark(thing)
    was, ours = parts.flat(marked["before"]), _set(marked)
    now = parts.observed(thing, was)
    theirs = set(parts.differing(now, {path: ours[path] for path in was if path in ours and path in now}))
    after = {path: value for path, value in was.items() if path in now and path not in theirs}
    stays = [" ".join(path) for path in was if path in theirs and path in parts.differing(now, was)]
    patch = parts.body(thing, now, after, {MARK: None})
    return Change(
        thing["metadata"]["name"], thing["kind"], thing["metadata"]["uid"], 1, now, after, patch, timeout
    ), stays


def _floor(autoscaler: Object, wanted: int) -> Floor:
    spec, meta = autoscaler["spec"], autoscaler["metadata"]
    now = spec.get(_FLOOR, 1)
    if wanted > spec["maxReplicas"]:
        raise InputError(
            f"workloads: HorizontalPodAutoscaler {meta['name']} allows {spec['maxReplicas']} replicas at most, {wanted} are asked for; nothing was changed.",
            then="ask for fewer, or raise its maxReplicas",
        )
    before = _mark(autoscaler).get("before", now)
    patch = _hpa_patch(autoscaler, wanted, _text({"before": before, "set": wanted})) if now != wanted else {}
    return Floor(meta["name"], now, wanted, patch)


def _lowered(autoscaler: Object) -> Floor:
    """The way back of a marked autoscaler; a floor that somebody else has set since stays."""
    marked, now = _mark(autoscaler), autoscaler["spec"].get(_FLOOR, 1)
    after = marked["before"] if now == marked["set"] else now
    return Floor(autoscaler["metadata"]["name"], now, after, _hpa_patch(autoscaler, after, None))


def _hpa_patch(autoscaler: Object, floor: int, mark: str | None) -> Object:
    meta = autoscaler["metadata"]
    return {
        "metadata": {
            "uid": meta["uid"],
            "resourceVersion": meta["resourceVersion"],
            "annotations": {MARK: mark},
        },
        "spec": {_FLOOR: floor},
    }


def _mark(thing: Object) -> dict[str, t.Any]:
    return t.cast(
        "dict[str, t.Any]", json.loads((thing["metadata"].get("annotations") or {}).get(MARK, "{}"))
    )


def _set(marked: dict[str, t.Any]) -> Parts:
    return parts.flat(marked.get("set", {}))


def _text(mark: dict[str, t.Any]) -> str:
    return json.dumps(mark, separators=(",", ":"), sort_keys=True)


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace, restore = params["namespace"], params["state"] == "restored"
    wanted = {workload["name"]: workload for workload in params["workloads"] or []}
    by_kind, versions = read(
        api, namespace, WORKLOADS if restore else {workload["kind"] for workload in wanted.values()}
    )
    scalers = (
        api.get(autoscalers(namespace))["items"]
        if restore or any(workload["replicas"] for workload in wanted.values())
        else []
    )
    stays: dict[str, list[str]] = {}
    floors: list[Floor] = []
    if restore:
        things = [
            thing
            for kind in by_kind.values()
            for name, thing in kind.items()
            if _mark(thing) and (not wanted or name in wanted)
        ]
        ways = [off(thing, params["timeout"]) for thing in things]
        changes = [change for change, _stays in ways]
        stays = {label: left for label, (_change, left) in zip(labels(changes), ways) if left}
        floors = [
            _lowered(scaler)
            for scaler in scalers
            if _mark(scaler) and (not wanted or scaler["spec"]["scaleTargetRef"]["name"] in wanted)
        ]
    else:
        if problems := list(asked.unfit(params["workloads"] or [], by_kind)):
            raise InputError(
                "workloads: what is asked for does not fit; nothing was changed.",
                why=problems,
                then="correct workloads, or create what is missing",
            )
        things = [by_kind[workload["kind"]][name] for name, workload in wanted.items()]
        both = [
            on(workload, thing, owner_of(thing, scalers), params["timeout"])
            for workload, thing in zip(wanted.values(), things)
        ]
        changes, floors = [change for change, _floor in both], [floor for _change, floor in both if floor]
    floors = [floor for floor in floors if floor.patch]
    before, after = diff(changes)
    before.update({f"HorizontalPodAutoscaler {floor.name}": {_FLOOR: floor.before} for floor in floors})
    after.update({f"HorizontalPodAutoscaler {floor.name}": {_FLOOR: floor.after} for floor in floors})
    for name, left in stays.items():
        context.say(f"{name}: {', '.join(left)} stays as it is: somebody else has changed it since")
    values = {
        "workloads": [change.told() for change in changes],
        "left": stays,
        "drained": True,
        "lock_token": params["lock_token"],
    }
    if context.check_mode or not after:
        for line in [*(f"{change.name}: {change}" for change in changes if change.patch), *map(str, floors)]:
            context.say(f"would change {line}")
        return Result(bool(after), before, after, values)
    lock = Lock(api, context)
    lock.enter(params["lock_token"], params["lock_force"])
    for floor in floors:
        lock.fence()
        api.patch(f"{autoscalers(namespace)}/{floor.name}", floor.patch, MERGE)
        context.say(str(floor))
    again: t.Callable[[Object], Change] = _again(wanted, scalers, params["timeout"], restore)
    told: list[dict[str, t.Any]] = []
    for some in _one_of_each_name(list(zip(changes, things))):
        seen = {
            path: version
            for path, version in versions.items()
            if any(change.path(namespace).startswith(path + "/") for change, _thing in some)
        }
        with Wait(api, context, {change.name: thing for change, thing in some}, seen) as wait:
            wait.roll([change for change, _thing in some], again, lock)
        told += [change.told(wait.settled[change.name]) for change, _thing in some]
    values["workloads"] = told
    if params["drain"]:
        values["drained"] = drain(api, context, things, lock.keep)
    return Result(True, before, after, {**values, "lock_token": lock.token})


def _one_of_each_name(pairs: list[tuple[Change, Object]]) -> t.Iterator[list[tuple[Change, Object]]]:
    """Workloads are waited for by their names. Two kinds may have one:
    they were changed by two runs, and one way back is both of theirs.
    """
    while pairs:
        first = {pair[0].name: pair for pair in reversed(pairs)}
        some = [pair for pair in pairs if first[pair[0].name] is pair]
        pairs = [pair for pair in pairs if first[pair[0].name] is not pair]
        yield some


def _again(
    wanted: dict[str, dict[str, t.Any]], scalers: list[Object], timeout: int, restore: bool
) -> t.Callable[[Object], Change]:
    def again(thing: Object) -> Change:
        if restore:
            if not _mark(thing):
                raise ReleaseError(
                    f"{thing['kind']} {thing['metadata']['name']} was restored by somebody else meanwhile.",
                    then="run this again",
                )
            return off(thing, timeout)[0]
        return on(wanted[thing["metadata"]["name"]], thing, owner_of(thing, scalers), timeout)[0]

    return again


OPERATION = Operation(
    {
        **NAMESPACE,
        **LOCK,
        **TIMEOUT,
        "release": Option("str", REQUIRED),
        "lock_token": Option("int", secret=False),
        "state": Option("str", "present", choices=["present", "restored"]),
        "workloads": Option(
            "list",
            each=Option(
                "dict",
                fields={
                    "name": Option("str", REQUIRED),
                    "kind": Option("str", "Deployment", choices=list(WORKLOADS)),
                    "replicas": Option("int", low=0),
                    "env": Option("dict", secret=False),
                },
            ),
        ),
        "drain": Option(
            "dict",
            fields={
                "timeout": Option("int", 30, low=1),
                "metric": Option("str"),
                "at_most": Option("float", 0, low=0),
                "port": Option("int", 8080, low=1, high=65535),
                "path": Option("str", "/metrics"),
            },
        ),
    },
    ClusterApi,
    run,
    {"required_if": [["state", "present", ["workloads"]]]},
)
