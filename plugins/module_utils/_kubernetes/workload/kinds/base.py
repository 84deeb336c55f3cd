# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a kind of workload knows of itself. Pure, but for what is read through :class:`PodRevisions`."""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from ...api.port import Object

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


class PodRevisions(t.Protocol):
    """What has to be read to know whose a pod is, and of which version."""

    def replica_set_of(self, pod: Object, deployment: Object) -> Object | None:
        """The ReplicaSet of this Deployment that the pod belongs to."""

    def newest_hash(self, daemon_set: Object) -> str:
        """The hash of its newest ControllerRevision, as its pods carry it in a label."""


class Kind(abc.ABC):
    name: t.ClassVar[str]
    # Whether its controller writes observedGeneration.
    is_observed: t.ClassVar[bool] = True

    @abc.abstractmethod
    def status(self, spec: Object, status: Object, conditions: t.Mapping[str, Object]) -> Status:
        """How far it is: the rule of ``kubectl rollout status``, and what that gets wrong."""

    def revision(self, obj: Object) -> str:
        """The number or name of its pod template; '' where it keeps none."""
        return ""

    def updated_available(self, obj: Object) -> int:
        """The number of pods of its newest version that are available, at least."""
        return 0

    def owns(self, obj: Object, pod: Object, revisions: PodRevisions) -> bool:
        reference = owner(pod, self.name)
        return reference is not None and bool(reference["uid"] == obj["metadata"]["uid"])

    def is_newest(self, obj: Object, pod: Object, revisions: PodRevisions) -> bool:
        """Whether the pod runs its newest version. Jobs and ReplicaSets have one version only."""
        return self.owns(obj, pod, revisions)

    def waits_for(self, obj: Object, pod: Object) -> bool:
        """Whether its controller goes on only when this pod, of whichever version, is ready or gone."""
        return False


def conditions(obj: Object) -> dict[str, Object]:
    return {condition["type"]: condition for condition in (obj.get("status") or {}).get("conditions") or []}


def is_true(conditions: t.Mapping[str, Object], name: str) -> bool:
    return conditions.get(name, {}).get("status") == "True"


def owner(obj: Object, kind: str) -> dict[str, t.Any] | None:
    """The controlling owner of that kind: by reference, never by name or labels."""
    for reference in obj["metadata"].get("ownerReferences") or []:
        if reference.get("controller") and reference["kind"] == kind:
            return t.cast("dict[str, t.Any]", reference)
    return None


def pod_hash(pod: Object) -> str:
    """The ControllerRevision that a pod of a StatefulSet or DaemonSet was made of."""
    return str((pod["metadata"].get("labels") or {}).get("controller-revision-hash", ""))


def refused(conditions: t.Mapping[str, Object]) -> Status | None:
    """The API server does not let the controller create pods: quota, admission, a webhook."""
    failure = conditions.get("ReplicaFailure", {})
    if failure.get("status") != "True":
        return None
    return Status(PROGRESSING, f"pods cannot be created: {failure.get('message', failure.get('reason', ''))}")


def at_least(updated: int, total: int, available: int) -> int:
    """Pods of the newest version that are available, at least: all old ones may be among the available ones."""
    return min(updated, max(0, available - (total - updated)))


def available_text(desired: int) -> str:
    return f"{desired} of {desired} available" if desired else "scaled to 0"


def counts_text(spec: Object, updated: int, desired: int, available: int, old: int = 0) -> str:
    text = f"{updated} of {desired} updated, {available} available"
    if available < updated >= desired and spec.get("minReadySeconds"):
        text += f" (minReadySeconds {spec['minReadySeconds']})"
    if old > 0:
        text += f", {old} old still running"
    return text


def replaced_on_delete(counts: str) -> Status:
    return Status(
        PROGRESSING,
        f"{counts}: its updateStrategy is OnDelete, so pods stay on the old version until they are deleted",
    )
