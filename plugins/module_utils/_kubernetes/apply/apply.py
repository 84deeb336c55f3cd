# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Applies manifests: read and put to the API server as a whole,
then written in order, then waited for together, then pruned.
"""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ansible.module_utils.common.yaml import yaml_dump

from ..._common.errors import Conflict, NotFound, ReleaseError
from ..._common.operation import Command, Context, Operation, Result
from ..._common.options import Option
from ..._release.lock import NO_LOCK, LockGuard, LockLost, held_temporarily
from ..api.client import ClusterApi
from ..api.options import LOCK, NAMESPACE, TIMEOUT
from ..api.port import KubeApi, Object
from ..release_state.lease import Lease
from . import apply_set
from . import field_ownership as applied
from . import readiness as ready
from .discovery import Resource, Resources
from .manifest_files import read
from .manifests import DEFINITION, Manifest, accepted, in_order, repeated
from .members import Members, name_of
from .object_waiter import ObjectWaiter
from .plan import UNCHANGED, Planner, Step, conflict, conflicting, forbidden, observed, placed, refusal

# An API server takes a moment to serve a kind after it has
# called its definition established; no watch tells of that.
_SERVED_SECONDS, _SERVED_PAUSE = 10, 0.2
_PODS = Resource("", "v1", "Pod", "pods", True)
_VERSIONS = {
    "Deployment": (Resource("apps", "v1", "ReplicaSet", "replicasets", True),),
    "DaemonSet": (Resource("apps", "v1", "ControllerRevision", "controllerrevisions", True),),
}
_LEASES = Resource("coordination.k8s.io", "v1", "Lease", "leases", True)
_CLASSES = "/apis/storage.k8s.io/v1/storageclasses"


@dataclasses.dataclass(frozen=True)
class ApplyOptions:
    """
    :ivar wait: until all of it is ready.
    :ivar timeout: seconds for that.
    :ivar stuck_after: seconds for which a transient problem is put up with in the meantime.
    :ivar lock_force: take the lock over from another run.
    """

    namespace: str
    wait: bool
    timeout: int
    stuck_after: int
    force_conflicts: bool
    lock_force: bool


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    names = ("namespace", "wait", "timeout", "stuck_after", "force_conflicts", "lock_force")
    options = ApplyOptions(**{name: params[name] for name in names})
    manifests = _manifests(params["manifests"] or [], params["src"] or [], context.command)
    resources = Resources(api, manifests)
    placements = placed(manifests, resources, options.namespace)
    problems = repeated(manifest for manifest, _resource in placements)
    if problems:
        raise refusal(problems)
    parent = apply_set.parent(params["applyset"], options.namespace) if params["applyset"] else None
    placed_manifests = [manifest for manifest, _resource in placements]
    members = Members(api, context, resources, parent, apply_set.scope_of(placed_manifests))
    placements = [(members.labelled(manifest), resource) for manifest, resource in placements]
    is_waiting = options.wait and not context.check_mode
    _demand(forbidden(api, [*_reads(placements, is_waiting), *members.reads()]))
    live = observed(api, context, placements)
    members.find_obsolete(placements, live, params["prune"])
    refused = forbidden(api, [*_writes(placements, live), *members.writes()])
    locking = forbidden(api, [(_LEASES, options.namespace, verb) for verb in ("get", "create", "update")])
    if not context.check_mode:
        _demand(refused + locking)
    for line in refused + locking:
        context.say(f"not allowed: {line}")
    planner = Planner(api, params["keep_release"], options.force_conflicts, may_write=not refused)
    plan = planner.steps(placements, live)
    for step in plan:
        for field in step.kept:
            context.say(f"{step.manifest}: {field} stays as the release has set it")
    changed = any(step.action != UNCHANGED for step in plan) or members.is_changing()
    if context.check_mode:
        _say_what_would_change(context, plan, members)
    else:
        plan = _Writer(api, context, options, plan, members).write_all()
    values = {"objects": [step.as_result() for step in plan], **members.as_result()}
    return Result(changed, values={**values, "diff": _diff(plan, members)})


def _say_what_would_change(context: Context, plan: list[Step], members: Members) -> None:
    for step in plan:
        if step.action != UNCHANGED:
            context.say(f"would be {step.action}: {step.manifest}")
    for resource, obj in members.to_delete:
        context.say(f"would be pruned: {name_of(resource, obj)}")


def _manifests(given: t.Sequence[t.Any], sources: t.Sequence[str], command: Command) -> list[Manifest]:
    problems: list[str] = []
    documents = read(list(given), list(sources), command, problems)
    manifests = accepted(documents, problems)
    if not problems and not manifests:
        problems.append("manifests, src: found no manifest in what is given; allowed: one or more")
    if problems:
        raise refusal(problems)
    return in_order(manifests)


def _reads(
    placements: t.Sequence[tuple[Manifest, Resource]], is_waiting: bool
) -> t.Iterator[tuple[Resource, str, str]]:
    for manifest, resource in placements:
        yield resource, manifest.namespace, "get"
        if is_waiting and ready.is_waited_for(manifest.body):
            watched = [resource, _PODS] if manifest.kind in ready.WORKLOADS else [resource]
            yield from ((each, manifest.namespace, verb) for each in watched for verb in ("list", "watch"))
            # A pod is part of the newest version of its workload or it is not: these show it.
            yield from ((each, manifest.namespace, "list") for each in _VERSIONS.get(manifest.kind, ()))


def _writes(
    placements: t.Sequence[tuple[Manifest, Resource]], live: t.Sequence[Object | None]
) -> t.Iterator[tuple[Resource, str, str]]:
    for (manifest, resource), obj in zip(placements, live):
        verbs = ("patch",) if obj else ("patch", "create")
        yield from ((resource, manifest.namespace, verb) for verb in verbs)


def _demand(refused: list[str]) -> None:
    if refused:
        what = "The credentials may not do what the manifests need; nothing was changed."
        raise ReleaseError(what, why=refused, then="add these rules, or use other credentials")


class _Writer:
    """The writes of one apply, in order, under the lock of the platform."""

    def __init__(
        self, api: KubeApi, context: Context, options: ApplyOptions, plan: list[Step], members: Members
    ) -> None:
        self._api = api
        self._context = context
        self._options = options
        self._plan = plan
        self._members = members
        # The object as it is last known: what is not written is as it was read.
        self._now: list[tuple[Step, Object]] = []
        self._waited = 0

    def write_all(self) -> list[Step]:
        """The steps as they went: what was foreseen is known now."""
        is_writing = any(step.to_write for step in self._plan) or self._members.is_changing()
        namespaces = [step for step in self._plan if step.manifest.kind == "Namespace"]
        definitions = [step for step in self._plan if step.manifest.kind == DEFINITION]
        others = [step for step in self._plan if step.manifest.kind not in ("Namespace", DEFINITION)]
        with self._lock() if is_writing else contextlib.nullcontext(NO_LOCK) as guard:
            # The parent of the set lies in a namespace that may be among
            # the manifests; kinds come before their objects.
            self._writes(guard, namespaces)
            self._members.begin(guard.assert_held)
            self._writes(guard, definitions)
            self._wait(guard)
            self._writes(guard, others)
            if self._options.wait:
                self._wait(guard)
            self._members.end(guard.assert_held)
        return [
            dataclasses.replace(step, after=obj, foreseen=False) if step.foreseen else step
            for step, obj in self._now
        ]

    def _lock(self) -> t.ContextManager[LockGuard]:
        def lock_for(release: str) -> Lease:
            return Lease(self._api, self._options.namespace, release, self._context)

        return held_temporarily(lock_for, "(kube_apply)", self._options.lock_force)

    def _writes(self, guard: LockGuard, plan: list[Step]) -> None:
        for step in plan:
            self._now.append((step, self._write(step, guard)))

    def _write(self, step: Step, guard: LockGuard) -> Object:
        if not step.to_write:
            return t.cast("Object", step.before)
        try:
            guard.assert_held()
            obj = self._apply(step)
        except LockLost as exc:
            raise LockLost(exc.what, why=[*exc.why, self._so_far(step)], then=exc.then) from exc
        except Conflict as exc:
            raise conflict(
                conflicting(step, exc), f"somebody else took it in the meantime; {self._so_far(step)}"
            ) from exc
        except ReleaseError as exc:
            raise type(exc)(
                f"{step.manifest} was not applied.",
                why=[*exc.why, self._so_far(step)],
                then=exc.then or "then run the same command again",
            ) from exc
        if step.action != UNCHANGED:
            self._context.say(f"{step.manifest}: {step.action}")
        return obj

    def _apply(self, step: Step) -> Object:
        end = self._context.clock.now() + (0 if step.resource.served else _SERVED_SECONDS)
        while True:
            try:
                return self._api.apply(step.path, step.body, self._options.force_conflicts)
            except NotFound:
                if self._context.clock.now() >= end:
                    raise
                self._context.clock.sleep(_SERVED_PAUSE)

    def _so_far(self, at: Step) -> str:
        after = self._plan.index(at) + 1
        written = [str(step.manifest) for step, _obj in self._now if step.to_write]
        to_come = [str(step.manifest) for step in self._plan[after:] if step.to_write]
        return f"applied before: {', '.join(written) or 'nothing'}; not reached: {', '.join(to_come) or 'nothing'}"

    def _wait(self, guard: LockGuard) -> None:
        """For all that was written until now and not waited for
        yet; definitions and namespaces before what is in them.
        """
        before, self._waited = self._waited, len(self._now)
        new = self._now[before:]
        classes = self._classes() if any(step.resource.kind == ready.CLAIM for step, _obj in new) else []
        awaited = []
        for step, obj in new:
            known = {**obj, "kind": step.resource.kind}
            binds_at_once = known["kind"] == ready.CLAIM and ready.binds_at_once(known, classes)
            if ready.is_waited_for(known, binds_at_once):
                awaited.append((step.resource, known))
        waiter = ObjectWaiter(self._api, self._context, awaited, self._options.stuck_after)
        waiter.until_ready(self._options.timeout, guard.renew_if_due)

    def _classes(self) -> list[Object]:
        try:
            return t.cast("list[Object]", self._api.get(_CLASSES)["items"])
        except ReleaseError:
            # Without permission it is not known whether a claim binds at once, and it is not waited for.
            return []


def _diff(plan: list[Step], members: Members) -> list[dict[str, str]]:
    """One a changed object, as Ansible shows it under a header of its own."""
    sides = []
    for step in plan:
        if step.action != UNCHANGED:
            before, after = applied.shown(step.before, step.after)
            sides.append(_side_by_side(str(step.manifest), before, after))
    return sides + [
        _side_by_side(name_of(resource, obj), applied.shown(obj, None)[0], {})
        for resource, obj in members.to_delete
    ]


def _side_by_side(name: str, before: Object, after: Object) -> dict[str, str]:
    sides = {"before": before, "after": after}
    texts = {
        side: str(yaml_dump(obj, default_flow_style=False, sort_keys=True)) if obj else ""
        for side, obj in sides.items()
    }
    return {**texts, "before_header": name, "after_header": name}


OPERATION = Operation(
    {
        **NAMESPACE,
        **LOCK,
        **TIMEOUT,
        "manifests": Option("list", each=Option("dict")),
        "src": Option("list", each=Option("path")),
        "wait": Option("bool", True),
        "force_conflicts": Option("bool", False),
        "keep_release": Option("bool", True),
        "applyset": Option("str"),
        "prune": Option("bool", False),
    },
    ClusterApi,
    run,
    {"required_one_of": [["manifests", "src"]], "required_if": [["prune", True, ["applyset"]]]},
)
