# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits until every Deployment of a wave has settled on its images, by one watch each on Deployments and pods.

Gives up at once on what will not heal.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._common._errors import Conflict, ReleaseError
from .._common._operation import Context
from . import _diagnosis as diagnosis
from . import _workload as workload
from ._explain import Finding, failure
from ._port import SYNC, KubeApi, Object, deployments, pods, replica_sets


@dataclasses.dataclass(frozen=True)
class Target:
    """Where a Deployment is to settle: these images in this very object."""

    uid: str
    images: dict[str, str]


class Wait:
    """The state of one wait. ``settled`` holds seconds by name; ``objects`` the newest Deployments seen."""

    def __init__(self, api: KubeApi, namespace: str, targets: dict[str, Target], objects: dict[str, Object], context: Context) -> None:
        self.api, self.namespace, self.targets, self.context = api, namespace, targets, context
        self.objects = {name: objects[name] for name in targets}
        self.settled: dict[str, float] = {}
        self.pods: dict[str, Object] = {}
        self._hopeless: dict[str, Object] = {}
        self._said: dict[str, str] = {}
        self._started = context.clock.now()
        self._replica_sets: dict[str, Object] = {}
        self._asked: set[tuple[str, str]] = set()
        for name in targets:
            self._look(name)

    def until_settled(self, version: str, timeout: int, keep: t.Callable[[], None] = lambda: None) -> None:
        """
        :param version: resource version of the list of Deployments that was read before the first patch.
        :param keep: called all the while, about once a second at least; keeps the lock.
        """
        if self._waiting():
            here = {deployments(self.namespace): version, pods(self.namespace): ""}
            for event in self.api.follow(here, timeout):
                keep()
                if event.path == deployments(self.namespace):
                    self._deployment(event.type, event.object)
                elif event.path == pods(self.namespace):
                    self._pod(event.type, event.object)
                if not self._waiting():
                    return
                if any(self._workload_of(pod) in self._waiting() for pod in self._hopeless.values()):
                    self._give_up()
            raise self._failure(f"{', '.join(self._waiting())} did not settle within {timeout} s.", self._findings())

    def digests(self) -> dict[str, dict[str, str]]:
        """Digest by container and workload, as the container runtime reports what it runs."""
        found: dict[str, dict[str, str]] = {name: {} for name in self.targets}
        for pod in self.pods.values():
            for container in (pod.get("status") or {}).get("containerStatuses") or []:
                for name, target in self.targets.items():
                    if _spec_image(pod, container["name"]) == target.images.get(container["name"]) and "@" in container.get("imageID", ""):
                        found[name][container["name"]] = container["imageID"].rsplit("@", 1)[1]
        return found

    def _waiting(self) -> list[str]:
        return [name for name in self.targets if name not in self.settled]

    def _deployment(self, kind: str, thing: Object) -> None:
        if kind == SYNC:
            there = workload.by_name(thing)
            for name in self.targets:
                self._deployment("MODIFIED" if name in there else "DELETED", there.get(name) or self.objects[name])
            return
        name = thing["metadata"]["name"]
        if name not in self.targets or not _newer(thing, self.objects[name]):
            return
        if kind == "DELETED" or thing["metadata"]["uid"] != self.targets[name].uid:
            raise Conflict(
                f"Deployment {name} was deleted while it rolled out.", then=f"kubectl -n {self.namespace} get deployment {name}; then run the release again"
            )
        self.objects[name] = thing
        self._look(name)

    def _look(self, name: str) -> None:
        thing, target = self.objects[name], self.targets[name]
        there = workload.images(thing)
        if name in self.settled:
            return
        if any(there.get(container) != image for container, image in target.images.items()):
            raise Conflict(
                f"Somebody else changed Deployment {name} while it rolled out.",
                why=[
                    f"container {container}: wanted {image}, found {there.get(container)}"
                    for container, image in target.images.items()
                    if there.get(container) != image
                ],
                then=f"kubectl -n {self.namespace} get deployment {name} -o yaml --show-managed-fields; then run the release again",
            )
        now = workload.status(thing)
        if now.state == workload.READY:
            self.settled[name] = round(self.context.clock.now() - self._started, 1)
            if self.settled[name]:
                self.context.say(f"{name}: settled after {self.settled[name]} s, {now.text}")
        elif now.state == workload.FAILED:
            raise self._failure(f"{name} failed: {now.text}.", self._findings())
        elif workload.seen(thing) and self._said.get(name) != now.step:
            self._said[name] = now.step
            self.context.say(f"{name}: {now.text}")

    def _pod(self, kind: str, thing: Object) -> None:
        if kind == SYNC:
            self.pods, self._hopeless = {}, {}
            for item in thing["items"]:
                self._pod("ADDED", item)
            return
        uid = thing["metadata"]["uid"]
        self.pods.pop(uid, None)
        self._hopeless.pop(uid, None)
        if kind != "DELETED":
            self.pods[uid] = thing
            found = diagnosis.trouble(thing)
            if found and found.hopeless:
                self._hopeless[uid] = thing

    def _give_up(self) -> None:
        """What only is not ready yet is no reason; it is left to the state of its workload."""
        findings = [finding for finding in self._findings() if finding.trouble.hopeless or finding.trouble.exit_code is not None]
        names = sorted(finding.workload for finding in findings if finding.trouble.hopeless)
        raise self._failure(f"{', '.join(names)} will not become ready.", findings)

    def _findings(self) -> list[Finding]:
        """One a workload that still waits: the hopeless before the others, a named reason before 'not ready'."""
        found: dict[str, Finding] = {}
        for pod in self.pods.values():
            name = self._workload_of(pod)
            if name not in self._waiting() or pod["metadata"].get("deletionTimestamp"):
                continue
            said = diagnosis.trouble(pod)
            if not said and (unready := diagnosis.unready(pod)):
                said = diagnosis.Trouble(pod["metadata"]["name"], "", "not ready", unready)
            if said and (name not in found or _rank(said) > _rank(found[name].trouble)):
                found[name] = Finding(name, pod, said)
        return list(found.values())

    def _workload_of(self, pod: Object) -> str:
        """The workload whose newest ReplicaSet owns the pod, by UID; '' for pods of others and of old versions.

        The Deployment controller writes the revision before observedGeneration: a Deployment that it has not seen yet still
        points at the version that we want to leave.
        """
        reference = workload.owner(pod, "ReplicaSet")
        for name, thing in self.objects.items():
            if not reference or not pod["metadata"]["name"].startswith(name) or not workload.seen(thing):
                continue
            newest = workload.current_replica_set(thing, self._replica_sets.values())
            if newest is None and (name, workload.revision(thing)) not in self._asked:
                self._asked.add((name, workload.revision(thing)))
                listing = self.api.get(replica_sets(self.namespace))
                self._replica_sets = {item["metadata"]["uid"]: item for item in listing["items"]}
                newest = workload.current_replica_set(thing, self._replica_sets.values())
            if newest and newest["metadata"]["uid"] == reference["uid"]:
                return name
        return ""

    def _failure(self, what: str, findings: list[Finding]) -> ReleaseError:
        return failure(self.api, self.context, what, findings, {name: self.objects[name] for name in self._waiting()})


def _rank(said: diagnosis.Trouble) -> tuple[bool, bool, bool]:
    return said.hopeless, said.exit_code is not None, said.reason != "not ready"


def _newer(thing: Object, known: Object) -> bool:
    """Events of before our patch come first when the watch begins at an older version; they tell nothing new."""
    return int(thing["metadata"]["resourceVersion"]) >= int(known["metadata"]["resourceVersion"]) or thing["metadata"]["uid"] != known["metadata"]["uid"]


def _spec_image(pod: Object, container: str) -> str:
    return next((item["image"] for item in pod["spec"]["containers"] if item["name"] == container), "")
