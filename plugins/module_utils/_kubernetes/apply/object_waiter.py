# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits for all objects of an apply together: one watch a kind and
namespace, and one on the pods of each namespace with workloads.

Gives up at once on a permanent problem.
"""

from __future__ import annotations

import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context
from ..api.port import WORKLOADS, KubeApi, Object, pods
from ..diagnosis.failure import Finding, Situation, failure
from ..watching.live_objects import LiveObjects, Update, Where
from ..watching.problems import Problems
from ..workload import status as workload
from ..workload.pod_owners import PodOwners
from . import readiness
from .discovery import Resource
from .manifests import named


class ObjectWaiter:
    """
    :param objects: as they were last seen, with ``kind`` and ``namespace``.
    :param stuck_after: seconds for which a transient problem is put up with.
    """

    def __init__(
        self, api: KubeApi, context: Context, objects: t.Iterable[tuple[Resource, Object]], stuck_after: int
    ) -> None:
        self._api = api
        self._context = context
        self._stuck_after = stuck_after
        self._started = context.clock.now()
        self._live = LiveObjects()
        for resource, obj in objects:
            path = resource.collection(obj["metadata"].get("namespace", ""))
            self._live.add(path, {**obj, "kind": resource.kind})
        self._awaited = list(self._live.objects)
        self._reported: dict[Where, str] = {}
        self._owners: dict[str, PodOwners] = {}
        self._problems = Problems(stuck_after)
        self._pods: list[str] = []
        self._ready: set[Where] = set()
        for where in self._awaited:
            self._assess(where)

    def until_ready(self, timeout: int, renew_if_due: t.Callable[[], None] = lambda: None) -> None:
        """
        :param renew_if_due: called all the while, about once a second at least; keeps the lock.
        """
        if not self._waiting():
            return
        namespaces = {
            self._object(where)["metadata"]["namespace"]
            for where in self._waiting()
            if self._object(where)["kind"] in readiness.WORKLOADS
        }
        self._pods = [pods(namespace) for namespace in sorted(namespaces)]
        for path in self._pods:
            self._live.add_collection(path)
        collections = dict.fromkeys([*(path for path, _name in self._waiting()), *self._pods], "")
        end = self._context.clock.now() + timeout
        with self._api.follow(collections) as stream:
            for event in stream:
                renew_if_due()
                for update in self._live.take(event):
                    self._take(update)
                if not self._waiting():
                    return
                self._give_up_on_problems()
                if self._context.clock.now() >= end:
                    raise self._failure(self._waiting(), f"did not become ready within {timeout} s")

    def _waiting(self) -> list[Where]:
        return [where for where in self._awaited if where not in self._ready]

    def _object(self, where: Where) -> Object:
        return self._live.objects[where]

    def _take(self, update: Update) -> None:
        path, _name = update.where
        if path in self._pods:
            self._problems.note_pod(update.obj, update.is_gone, self._context.clock.now())
        elif update.where in self._waiting():
            if update.is_gone:
                raise ReleaseError(
                    f"{_name_of(update.obj)} was deleted while it was waited for.",
                    then="find out who deleted it, then run the same command again",
                )
            self._assess(update.where)

    def _assess(self, where: Where) -> None:
        obj = self._object(where)
        status = readiness.status(obj)
        is_progressing = status.state == readiness.PROGRESSING
        now = self._context.clock.now()
        self._problems.note_workload("/".join(where), obj if is_progressing else None, now)
        if status.state == readiness.READY:
            self._ready.add(where)
            if where in self._reported:
                seconds = round(now - self._started, 1)
                self._context.say(f"{_name_of(obj)}: ready after {seconds} s, {status.text}")
        elif status.state == readiness.FAILED:
            raise self._failure([where], f"failed: {status.text}")
        elif self._reported.get(where) != status.step and not _is_new(obj):
            self._reported[where] = status.step
            self._context.say(f"{_name_of(obj)}: {status.text}")

    def _give_up_on_problems(self) -> None:
        """Fails at once on a permanent problem, and after ``stuck_after``
        seconds on one that only somebody else can fix.
        """
        findings = self._findings()
        permanent = dict.fromkeys(where for where, finding in findings if _is_permanent(finding))
        if permanent:
            raise self._failure(list(permanent), "will not become ready")
        stuck = self._problems.stuck(self._context.clock.now())
        late = dict.fromkeys(
            where
            for where, finding in findings
            if finding.pod.get("metadata", {}).get("uid", "/".join(where)) in stuck
        )
        if late:
            raise self._failure(list(late), f"made no progress for {self._stuck_after} s")

    def _findings(self) -> list[tuple[Where, Finding]]:
        """What is wrong with what is waited for, the worst first."""
        waiting = {where: (where[1], self._object(where)) for where in self._waiting()}
        items = [pod for path in self._pods for pod in self._live.in_collection(path)]
        return self._problems.findings(waiting, items, self._workload_of, self._context.clock.now())

    def _workload_of(self, pod: Object) -> tuple[Where, str] | None:
        """What the pod is waited for as a part of: by owner, and of its newest version only."""
        if pod["metadata"].get("deletionTimestamp"):
            return None
        namespace = pod["metadata"]["namespace"]
        owners = self._owners.setdefault(namespace, PodOwners(self._api, namespace))
        for where in self._waiting():
            obj = self._object(where)
            if obj["metadata"].get("namespace") != namespace or obj["kind"] not in readiness.WORKLOADS:
                continue
            # Jobs and ReplicaSets have one version of pods.
            is_versioned = obj["kind"] in WORKLOADS
            if owners.workload_of(pod, [obj]) if is_versioned else owners.owns(obj, pod):
                return where, where[1]
        return None

    def _failure(self, about: list[Where], did: str) -> ReleaseError:
        """With all that is known of the pods; the others that are not ready are reported by their status."""
        findings = [(where, finding) for where, finding in self._findings() if where in about]
        # Events and logs are read in one namespace: that of the first one that shows what is wrong.
        first = findings[0][0] if findings else about[0]
        namespace = self._object(first)["metadata"].get("namespace", "")
        here = [
            (where, finding)
            for where, finding in findings
            if self._object(where)["metadata"].get("namespace", "") == namespace
        ]
        shown = {
            where
            for where in (first, *(where for where, _finding in here))
            if self._object(where)["kind"] in readiness.WORKLOADS
        }
        situation = Situation(
            [finding for _where, finding in here], {where[1]: self._object(where) for where in shown}
        )
        what = f"{', '.join(_name_of(self._object(where)) for where in about)} {did}."
        error = failure(self._api, self._context, namespace, what, situation)
        error.why += [
            f"{_name_of(self._object(where))}: {readiness.status(self._object(where)).text}"
            for where in self._waiting()
            if where not in shown
        ]
        if not shown:
            option = f" -n {namespace}" if namespace else ""
            error.then = f"kubectl{option} describe {self._object(first)['kind'].lower()} {first[1]}"
        return error


def _name_of(obj: Object) -> str:
    return named(obj["kind"], obj["metadata"].get("namespace", ""), obj["metadata"]["name"])


def _is_new(obj: Object) -> bool:
    """Its controller has not seen it yet, which takes a moment and is worth no line."""
    return obj["kind"] in WORKLOADS and not workload.seen(obj)


def _is_permanent(finding: Finding) -> bool:
    """A Job whose pods fail is tried again as often as it says
    (backoffLimit); its own status reports the end of that.
    """
    owners = finding.pod.get("metadata", {}).get("ownerReferences") or []
    is_retried = any(reference["kind"] == "Job" for reference in owners)
    return finding.problem.permanent and not (is_retried and finding.problem.exit_code is not None)
