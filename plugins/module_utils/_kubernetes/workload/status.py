# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a workload says of itself: pure, over the object as the API server gives it, which says its kind."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.options import did_you_mean
from ..api.port import Object
from .pod_spec import containers

READY, PROGRESSING, FAILED = "ready", "progressing", "failed"


@dataclasses.dataclass(frozen=True)
class Status:
    """``text`` says in a few words how far it is, or why it failed."""

    state: str
    text: str

    @property
    def step(self) -> str:
        """The part of the text whose change is worth a line; pods come and go several times within a step."""
        return self.text.partition(",")[0]


def by_name(listing: Object, kind: str = "Deployment") -> dict[str, Object]:
    """The objects of a list; they get the kind that lists leave out."""
    return {item["metadata"]["name"]: {**item, "kind": kind} for item in listing["items"]}


def absent(name: str, there: t.Iterable[str], kind: str = "Deployment") -> str:
    """A name that nobody has, with the one that may be meant and those that there are."""
    return (
        f"no {kind} named {name}{did_you_mean(name, there)}; there are: {', '.join(sorted(there)) or 'none'}"
    )


def images(thing: Object) -> dict[str, str]:
    """Images by container, init containers too: no two of a pod share a name."""
    return {container["name"]: container["image"] for container in containers(thing["spec"]["template"])}


def statuses(pod: Object) -> list[Object]:
    """What the kubelet says of each container of a pod, init containers first: the order in which they start."""
    now = pod.get("status") or {}
    return [*(now.get("initContainerStatuses") or []), *(now.get("containerStatuses") or [])]


def seen(thing: Object) -> bool:
    """Whether the controller has taken up the newest spec."""
    return bool((thing.get("status") or {}).get("observedGeneration", 0) >= thing["metadata"]["generation"])


def status(thing: Object) -> Status:
    """The rule of ``kubectl rollout status`` for the object's kind, and
    the cases in which that calls ready what is not, or waits in vain.

    Beyond kubectl: a paused Deployment is not ready (nothing rolls out while it is paused), a controller that
    cannot create pods (quota, admission) is told at once, pods have to be available and not only ready
    (minReadySeconds), what is scaled down is not ready before the others are gone, and a StatefulSet or
    DaemonSet that replaces pods only when they are deleted (OnDelete) is not ready before all were.
    """
    kind = thing["kind"]
    if kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet") and not seen(thing):
        return Status(PROGRESSING, f"not yet seen by the {kind} controller")
    return _RULES[kind](thing["spec"], thing.get("status") or {}, conditions(thing))


def _deployment(spec: Object, now: Object, condition: dict[str, Object]) -> Status:
    wanted = spec.get("replicas", 1)
    if spec.get("paused"):
        return Status(PROGRESSING, "paused: nothing rolls out until it is resumed")
    updated, available = now.get("updatedReplicas", 0), now.get("availableReplicas", 0)
    counts = _counts(spec, updated, wanted, available, now.get("replicas", 0) - updated)
    if condition.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        return Status(FAILED, f"no progress within its progressDeadlineSeconds: {counts}")
    if updated < wanted:
        return refused(condition) or Status(PROGRESSING, counts)
    if updated > wanted:
        return Status(PROGRESSING, f"{updated} pods there, {wanted} wanted")
    if now.get("replicas", 0) > updated or available < updated:
        return Status(PROGRESSING, counts)
    if not wanted and now.get("terminatingReplicas"):  # told by Kubernetes from 1.35 on
        return Status(PROGRESSING, f"scaled to 0: {now['terminatingReplicas']} of its pods still end")
    return Status(READY, _available(wanted))


def _replica_set(spec: Object, now: Object, condition: dict[str, Object]) -> Status:
    wanted, available = spec.get("replicas", 1), now.get("availableReplicas", 0)
    if now.get("replicas", 0) == wanted and available >= wanted:
        return Status(READY, _available(wanted))
    return refused(condition) or Status(
        PROGRESSING, f"{now.get('replicas', 0)} of {wanted} there, {available} available"
    )


def _stateful_set(spec: Object, now: Object, condition: dict[str, Object]) -> Status:
    wanted, strategy = spec.get("replicas", 1), spec.get("updateStrategy") or {}
    # Pods below the partition keep the old version: that is what it is for (a staged rollout).
    partition = (strategy.get("rollingUpdate") or {}).get("partition") or 0
    to_update = max(0, wanted - partition)
    same = now.get("updateRevision") == now.get("currentRevision")
    # When both revisions are the same the update is over and the controller no longer counts it.
    updated = now.get("replicas", 0) if same else now.get("updatedReplicas", 0)
    available = int(now["availableReplicas"] if "availableReplicas" in now else now.get("readyReplicas", 0))
    aside = f" (partition {partition})" if partition else ""
    counts = _counts(spec, updated, to_update, available, 0) + aside
    if strategy.get("type") == "OnDelete" and updated < wanted:
        return Status(
            PROGRESSING,
            f"{counts}: its updateStrategy is OnDelete, so pods stay on the old version until they are deleted",
        )
    if (
        now.get("replicas", 0) != wanted
        or available < wanted
        or updated < to_update
        or not (same or partition)
    ):
        return refused(condition) or Status(PROGRESSING, counts)
    return Status(READY, _available(wanted) + aside)


def _daemon_set(spec: Object, now: Object, condition: dict[str, Object]) -> Status:
    wanted, updated, available = (
        now.get("desiredNumberScheduled", 0),
        now.get("updatedNumberScheduled", 0),
        now.get("numberAvailable", 0),
    )
    counts = _counts(spec, updated, wanted, available, 0)
    if (spec.get("updateStrategy") or {}).get("type") == "OnDelete" and updated < wanted:
        return Status(
            PROGRESSING,
            f"{counts}: its updateStrategy is OnDelete, so pods stay on the old version until they are deleted",
        )
    if updated < wanted or available < wanted:
        return Status(PROGRESSING, counts)
    return Status(READY, _available(wanted) if wanted else "no node wants a pod of it")


def _job(spec: Object, now: Object, condition: dict[str, Object]) -> Status:
    wanted = spec.get("completions") or spec.get("parallelism") or 1
    counts = f"{now.get('succeeded', 0)} of {wanted} succeeded, {now.get('active', 0)} active, {now.get('failed', 0)} failed"
    if _is(condition, "Failed"):
        return Status(
            FAILED,
            f"{condition['Failed'].get('reason', 'failed')}: {condition['Failed'].get('message', counts)}",
        )
    if _is(condition, "Complete"):
        return Status(READY, f"complete, {counts}")
    if spec.get("suspend") or _is(condition, "Suspended"):
        return Status(PROGRESSING, "suspended: nothing runs until it is resumed")
    return Status(PROGRESSING, counts)


def _cron_job(spec: Object, now: Object, condition: dict[str, Object]) -> Status:
    """A schedule is in force as soon as it is stored; its Jobs have a status of their own."""
    last = f", last success {now['lastSuccessfulTime']}" if now.get("lastSuccessfulTime") else ""
    return Status(
        READY, ("suspended" if spec.get("suspend") else f"scheduled {spec.get('schedule', '')}") + last
    )


_RULES: dict[str, t.Callable[[Object, Object, dict[str, Object]], Status]] = {
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "StatefulSet": _stateful_set,
    "DaemonSet": _daemon_set,
    "Job": _job,
    "CronJob": _cron_job,
}


def refused(condition: dict[str, Object]) -> Status | None:
    """The API server does not let the controller create pods: quota, admission, a webhook."""
    failure = condition.get("ReplicaFailure", {})
    if failure.get("status") != "True":
        return None
    return Status(PROGRESSING, f"pods cannot be created: {failure.get('message', failure.get('reason', ''))}")


def conditions(thing: Object) -> dict[str, Object]:
    return {condition["type"]: condition for condition in (thing.get("status") or {}).get("conditions") or []}


def owner(thing: Object, kind: str) -> dict[str, t.Any] | None:
    """The controlling owner of that kind: by reference, never by name or labels."""
    for reference in thing["metadata"].get("ownerReferences") or []:
        if reference.get("controller") and reference["kind"] == kind:
            return t.cast("dict[str, t.Any]", reference)
    return None


def revision(thing: Object) -> str:
    """The number that the Deployment controller keeps on a Deployment
    and its ReplicaSets; other kinds name a ControllerRevision.
    """
    if thing.get("kind") == "StatefulSet":
        return str((thing.get("status") or {}).get("updateRevision", ""))
    return str((thing["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", ""))


def current_replica_set(deployment: Object, replica_sets: t.Iterable[Object]) -> Object | None:
    """The ReplicaSet of the Deployment's newest revision."""
    for replica_set in replica_sets:
        reference = owner(replica_set, "Deployment")
        if (
            reference
            and reference["uid"] == deployment["metadata"]["uid"]
            and revision(replica_set) == revision(deployment)
        ):
            return replica_set
    return None


def _is(condition: dict[str, Object], name: str) -> bool:
    return condition.get(name, {}).get("status") == "True"


def _available(wanted: int) -> str:
    return f"{wanted} of {wanted} available" if wanted else "scaled to 0"


def _counts(spec: Object, updated: int, wanted: int, available: int, old: int) -> str:
    text = f"{updated} of {wanted} updated, {available} available"
    if available < updated >= wanted and spec.get("minReadySeconds"):
        text += f" (minReadySeconds {spec['minReadySeconds']})"
    return text + (f", {old} old still running" if old > 0 else "")
