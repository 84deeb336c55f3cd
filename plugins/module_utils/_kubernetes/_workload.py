# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a Deployment says of itself: pure, over the object as the API server gives it."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common._schema import like
from ._port import Object

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


def by_name(listing: Object) -> dict[str, Object]:
    return {item["metadata"]["name"]: item for item in listing["items"]}


def absent(name: str, there: t.Iterable[str]) -> str:
    """A name that nobody has, with the one that may be meant and those that there are."""
    return f"no Deployment named {name}{like(name, there)}; there are: {', '.join(sorted(there)) or 'none'}"


def images(deployment: Object) -> dict[str, str]:
    """Images by container."""
    return {container["name"]: container["image"] for container in deployment["spec"]["template"]["spec"]["containers"]}


def seen(deployment: Object) -> bool:
    """Whether the Deployment controller has taken up the newest spec."""
    return bool((deployment.get("status") or {}).get("observedGeneration", 0) >= deployment["metadata"]["generation"])


def status(deployment: Object) -> Status:
    """The rule of ``kubectl rollout status``, and three cases in which that calls ready what is not, or waits in vain.

    Beyond kubectl: a paused Deployment is not ready (nothing rolls out while it is paused), and a ReplicaSet that cannot
    create pods (quota, admission) is told at once.
    """
    spec, now = deployment["spec"], deployment.get("status") or {}
    wanted = spec.get("replicas", 1)
    if spec.get("paused"):
        return Status(PROGRESSING, "paused: nothing rolls out until it is resumed")
    if not seen(deployment):
        return Status(PROGRESSING, "not yet seen by the Deployment controller")
    condition = conditions(deployment)
    if condition.get("Progressing", {}).get("reason") == "ProgressDeadlineExceeded":
        return Status(FAILED, f"no progress within its progressDeadlineSeconds: {_counts(now, wanted)}")
    if now.get("updatedReplicas", 0) < wanted:
        failure = condition.get("ReplicaFailure", {})
        if failure.get("status") == "True":
            return Status(PROGRESSING, f"pods cannot be created: {failure.get('message', failure.get('reason', ''))}")
        return Status(PROGRESSING, _counts(now, wanted))
    if now.get("replicas", 0) > now.get("updatedReplicas", 0) or now.get("availableReplicas", 0) < now.get("updatedReplicas", 0):
        return Status(PROGRESSING, _counts(now, wanted))
    return Status(READY, f"{wanted} of {wanted} available")


def conditions(thing: Object) -> dict[str, Object]:
    return {condition["type"]: condition for condition in (thing.get("status") or {}).get("conditions") or []}


def owner(thing: Object, kind: str) -> dict[str, t.Any] | None:
    """The controlling owner of that kind: by reference, never by name or labels."""
    for reference in thing["metadata"].get("ownerReferences") or []:
        if reference.get("controller") and reference["kind"] == kind:
            return t.cast("dict[str, t.Any]", reference)
    return None


def revision(thing: Object) -> str:
    return str((thing["metadata"].get("annotations") or {}).get("deployment.kubernetes.io/revision", ""))


def current_replica_set(deployment: Object, replica_sets: t.Iterable[Object]) -> Object | None:
    """The ReplicaSet of the Deployment's newest revision."""
    for replica_set in replica_sets:
        reference = owner(replica_set, "Deployment")
        if reference and reference["uid"] == deployment["metadata"]["uid"] and revision(replica_set) == revision(deployment):
            return replica_set
    return None


def _counts(now: Object, wanted: int) -> str:
    updated, old = now.get("updatedReplicas", 0), now.get("replicas", 0) - now.get("updatedReplicas", 0)
    text = f"{updated} of {wanted} updated, {now.get('availableReplicas', 0)} available"
    return text + (f", {old} old still running" if old > 0 else "")
