# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Maintenance mode: replicas and environment for a while, then exactly what was live before."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..._release.lock import ReleaseLock
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE, TIMEOUT
from ..api.port import MERGE, WORKLOADS, KubeApi, Object, autoscalers
from ..release_state.lease import Lease
from ..rollout.wave import WaveRunner, WaveScope, at_once
from ..workload import validation
from ..workload.autoscaler import owner_of
from ..workload.change import Change, diff, labels
from ..workload.listing import Workloads, read
from .drain import DrainOptions, drain
from .plan import MIN_REPLICAS, MinReplicas, enter, leave, mark_of, restored_min_replicas

Replan = t.Callable[[Object], Change]


@dataclasses.dataclass(frozen=True)
class _Plan:
    """
    :ivar objects: the workloads as they are, in the order of the changes.
    :ivar stays: what somebody else has changed since, by workload.
    """

    changes: list[Change]
    objects: list[Object]
    floors: list[MinReplicas]
    replan: Replan
    stays: dict[str, list[str]] = dataclasses.field(default_factory=dict)

    def diff(self) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        before, after = diff(self.changes)
        for floor in self.floors:
            before[f"HorizontalPodAutoscaler {floor.name}"] = {MIN_REPLICAS: floor.before}
            after[f"HorizontalPodAutoscaler {floor.name}"] = {MIN_REPLICAS: floor.after}
        return before, after


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    namespace = params["namespace"]
    is_restore = params["state"] == "restored"
    services = {workload["name"]: workload for workload in params["workloads"] or []}
    kinds = WORKLOADS if is_restore else {workload["kind"] for workload in services.values()}
    live, versions = read(api, namespace, kinds)
    hpas = []
    if is_restore or any(workload["replicas"] for workload in services.values()):
        hpas = api.get(autoscalers(namespace))["items"]
    if is_restore:
        plan = _plan_leave(live, hpas, list(services), params["timeout"])
    else:
        problems = list(validation.problems_of_request(params["workloads"] or [], live))
        if problems:
            raise InputError(
                "workloads: they do not fit what is in the cluster; nothing was changed.",
                why=problems,
                then="correct workloads, or create what is missing",
            )
        plan = _plan_enter(live, hpas, services, params["timeout"])
    before, after = plan.diff()
    for name, left in plan.stays.items():
        context.say(f"{name}: {', '.join(left)} stays as it is: somebody else has changed it since")
    values = {
        "workloads": [change.as_result() for change in plan.changes],
        "left": plan.stays,
        "drained": True,
        "lock_token": params["lock_token"],
    }
    if context.check_mode or not after:
        for line in _planned_lines(plan):
            context.say(f"would change {line}")
        return Result(bool(after), before, after, values)
    lock = Lease(api, namespace, params["release"], context)
    lock.take_or_confirm(params["lock_token"], params["lock_force"])
    scope = WaveScope(namespace, versions, params["stuck_after"])
    values["workloads"] = _apply(api, context, plan, scope, lock)
    if params["drain"]:
        options = DrainOptions(namespace, **params["drain"])
        values["drained"] = drain(api, context, options, plan.objects, lock.renew_if_due)
    return Result(True, before, after, {**values, "lock_token": lock.token})


def _planned_lines(plan: _Plan) -> list[str]:
    lines = [f"{change.name}: {change}" for change in plan.changes if change.patch]
    return [*lines, *map(str, plan.floors)]


def _plan_leave(live: Workloads, hpas: t.Sequence[Object], names: t.Sequence[str], timeout: int) -> _Plan:
    objects = [
        workload
        for of_kind in live.values()
        for name, workload in of_kind.items()
        if mark_of(workload) and (not names or name in names)
    ]
    ways = [leave(workload, timeout) for workload in objects]
    changes = [change for change, _stays in ways]
    stays = {label: left for label, (_change, left) in zip(labels(changes), ways) if left}
    marked = [
        hpa for hpa in hpas if mark_of(hpa) and (not names or hpa["spec"]["scaleTargetRef"]["name"] in names)
    ]
    floors = [restored_min_replicas(hpa) for hpa in marked]

    def replan(obj: Object) -> Change:
        if not mark_of(obj):
            raise ReleaseError(
                f"{obj['kind']} {obj['metadata']['name']} was restored by somebody else in the meantime.",
                then="run the same command again",
            )
        return leave(obj, timeout)[0]

    return _Plan(changes, objects, [floor for floor in floors if floor.patch], replan, stays)


def _plan_enter(
    live: Workloads, hpas: t.Sequence[Object], services: t.Mapping[str, dict[str, t.Any]], timeout: int
) -> _Plan:
    objects = [live[workload["kind"]][name] for name, workload in services.items()]
    ways = [
        enter(workload, obj, owner_of(obj, hpas), timeout)
        for workload, obj in zip(services.values(), objects)
    ]
    floors = [floor for _change, floor in ways if floor and floor.patch]

    def replan(obj: Object) -> Change:
        return enter(services[obj["metadata"]["name"]], obj, owner_of(obj, hpas), timeout)[0]

    return _Plan([change for change, _floor in ways], objects, floors, replan)


def _apply(
    api: KubeApi, context: Context, plan: _Plan, scope: WaveScope, lock: ReleaseLock
) -> list[dict[str, t.Any]]:
    namespace = scope.namespace
    for floor in plan.floors:
        lock.assert_held()
        api.patch(f"{autoscalers(namespace)}/{floor.name}", floor.patch, MERGE)
        context.say(str(floor))
    done: list[dict[str, t.Any]] = []
    for group in _each_name_once(list(zip(plan.changes, plan.objects))):
        objects = {change.name: obj for change, obj in group}
        with WaveRunner(api, context, objects, scope.of(change for change, _obj in group)) as wave:
            wave.run([at_once(change, plan.replan) for change, _obj in group], lock)
        done += [change.as_result(wave.settled[change.name]) for change, _obj in group]
    return done


def _each_name_once(pairs: list[tuple[Change, Object]]) -> t.Iterator[list[tuple[Change, Object]]]:
    """Splits the changes so that each group has every name once: waiting is
    by name, and a Deployment and a StatefulSet may share one.
    """
    while pairs:
        first = {pair[0].name: pair for pair in reversed(pairs)}
        yield [pair for pair in pairs if first[pair[0].name] is pair]
        pairs = [pair for pair in pairs if first[pair[0].name] is not pair]


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
