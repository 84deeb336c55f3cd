# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits for all objects of an apply together: one watch a kind and
namespace, and one on the pods of each namespace with workloads.

Gives up at once on what will not heal.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context
from ..api.port import SYNC, WORKLOADS, KubeApi, Object, pods
from ..diagnosis import pod_problems as diagnosis
from ..diagnosis.failure import Finding, failure
from ..diagnosis.stuck_timer import Patience
from ..workload import status as workload
from ..workload.pod_owners import Revisions
from . import readiness as ready
from .discovery import Resource
from .manifests import named

_Where = tuple[str, str]  # collection path, name


class Wait:
    """``things`` are the objects as they were last seen, with ``kind`` and ``namespace``."""

    def __init__(self, api: KubeApi, context: Context, things: t.Iterable[tuple[Resource, Object]]) -> None:
        self._api, self._context = api, context
        self._started = context.clock.now()
        self._things: dict[_Where, Object] = {}
        for resource, thing in things:
            namespace = thing["metadata"].get("namespace", "")
            self._things[resource.collection(namespace), thing["metadata"]["name"]] = {
                **thing,
                "kind": resource.kind,
            }
        self._uids = {where: thing["metadata"].get("uid") for where, thing in self._things.items()}
        self._said: dict[_Where, str] = {}
        self._pods: dict[str, Object] = {}
        self._revisions: dict[str, Revisions] = {}
        self._patience = Patience(context.params["stuck_after"])
        self._ready: set[_Where] = set()
        for where in self._things:
            self._look(where)

    def until_ready(self, timeout: int, keep: t.Callable[[], None] = lambda: None) -> None:
        """
        :param keep: called all the while, about once a second at least; keeps the lock.
        """
        if not self._waiting():
            return
        namespaces = {
            self._things[where]["metadata"]["namespace"]
            for where in self._waiting()
            if self._things[where]["kind"] in ready.WORKLOADS
        }
        paths = dict.fromkeys(
            [path for path, _name in self._waiting()] + [pods(namespace) for namespace in sorted(namespaces)],
            "",
        )
        end = self._context.clock.now() + timeout
        with self._api.follow(paths) as stream:
            for event in stream:
                keep()
                self._take(event.path, event.type, event.object)
                if not self._waiting():
                    return
                self._give_up_on_the_hopeless()
                if self._context.clock.now() >= end:
                    raise self._failure(self._waiting(), f"did not become ready within {timeout} s")

    def _waiting(self) -> list[_Where]:
        return [where for where in self._things if where not in self._ready]

    def _take(self, path: str, kind: str, thing: Object) -> None:
        if kind == SYNC:
            there = {item["metadata"]["name"]: item for item in thing["items"]}
            if path.endswith("/pods"):
                namespace = path.split("/")[4]
                for pod in [
                    pod
                    for pod in self._pods.values()
                    if pod["metadata"]["namespace"] == namespace and pod["metadata"]["name"] not in there
                ]:
                    self._take(path, "DELETED", pod)
            for item in there.values():
                self._take(path, "MODIFIED", item)
            for where in self._waiting():
                if where[0] == path and where[1] not in there:
                    raise self._gone(where)
            return
        if path.endswith("/pods") and "uid" in thing.get("metadata", {}):
            self._pods.pop(thing["metadata"]["uid"], None)
            gone = kind == "DELETED"
            if not gone:
                self._pods[thing["metadata"]["uid"]] = thing
            self._patience.look(
                thing["metadata"]["uid"],
                None if gone else diagnosis.trouble(thing),
                self._context.clock.now(),
            )
        where = path, thing.get("metadata", {}).get("name", "")
        if where in self._things and where not in self._ready and _newer(thing, self._things[where]):
            if kind == "DELETED" or thing["metadata"]["uid"] != self._uids[where]:
                raise self._gone(where)
            self._things[where] = {**thing, "kind": self._things[where]["kind"]}
            self._look(where)

    def _look(self, where: _Where) -> None:
        now = ready.status(self._things[where])
        stuck = diagnosis.trouble_of_workload(self._things[where]) if now.state == ready.PROGRESSING else None
        self._patience.look("/".join(where), stuck, self._context.clock.now())
        if now.state == ready.READY:
            self._ready.add(where)
            seconds = round(self._context.clock.now() - self._started, 1)
            if where in self._said:
                self._context.say(f"{self._name(where)}: ready after {seconds} s, {now.text}")
        elif now.state == ready.FAILED:
            raise self._failure([where], f"failed: {now.text}")
        elif self._said.get(where) != now.step and not self._is_new(where):
            self._said[where] = now.step
            self._context.say(f"{self._name(where)}: {now.text}")

    def _is_new(self, where: _Where) -> bool:
        """Its controller has not looked at it yet, which takes a moment and is worth no line."""
        return self._things[where]["kind"] in WORKLOADS and not workload.seen(self._things[where])

    def _gone(self, where: _Where) -> ReleaseError:
        return ReleaseError(
            f"{self._name(where)} was deleted while it was waited for.",
            then="find out who deleted it, then run the same again",
        )

    def _name(self, where: _Where) -> str:
        thing = self._things[where]
        return named(thing["kind"], thing["metadata"].get("namespace", ""), thing["metadata"]["name"])

    def _give_up_on_the_hopeless(self) -> None:
        """At once on what will not heal, after a while on what somebody else would have to mend."""
        stuck = self._patience.over(self._context.clock.now())
        findings = self._findings()
        if hopeless := {where: None for where, finding in findings if self._is_hopeless(finding)}:
            raise self._failure(list(hopeless), "will not become ready")
        if late := {
            where: None
            for where, finding in findings
            if finding.pod.get("metadata", {}).get("uid", "/".join(where)) in stuck
        }:
            raise self._failure(list(late), f"did not get on for {self._context.params['stuck_after']} s")

    def _findings(self) -> list[tuple[_Where, Finding]]:
        """What is wrong with what is waited for, the hopeless before the others."""
        found = []
        for where in self._waiting():
            if said := diagnosis.trouble_of_workload(self._things[where]):
                found.append((where, Finding(where[1], {}, said)))
        for pod in self._pods.values():
            said = diagnosis.trouble(pod)
            if not said and (unready := diagnosis.unready(pod)):
                said = diagnosis.Trouble(pod["metadata"]["name"], "", "not ready", unready)
            of = self._workload_of(pod) if said and not pod["metadata"].get("deletionTimestamp") else None
            if said and of:
                found.append((of, Finding(of[1], pod, said)))
        return sorted(
            found,
            key=lambda pair: (
                pair[1].trouble.hopeless,
                pair[1].trouble.exit_code is not None,
                pair[1].trouble.heals,
            ),
            reverse=True,
        )

    def _is_hopeless(self, finding: Finding) -> bool:
        """A Job whose pods fail is tried again as often as it
        says (backoffLimit); its own status tells the end of that.
        """
        retried = any(
            reference["kind"] == "Job"
            for reference in finding.pod.get("metadata", {}).get("ownerReferences") or []
        )
        return finding.trouble.hopeless and not (retried and finding.trouble.exit_code is not None)

    def _workload_of(self, pod: Object) -> _Where | None:
        """What the pod is waited for as a part of: by owner, and of its newest version only."""
        namespace = pod["metadata"]["namespace"]
        revisions = self._revisions.setdefault(namespace, Revisions(self._api, namespace))
        for where in self._waiting():
            thing = self._things[where]
            if thing["metadata"].get("namespace") != namespace:
                continue
            # Jobs and ReplicaSets have one version of pods.
            if (
                revisions.workload_of(pod, [thing])
                if thing["kind"] in WORKLOADS
                else revisions.owns(thing, pod)
            ):
                return where
        return None

    def _failure(self, about: list[_Where], did: str) -> ReleaseError:
        """With all that is known of the pods; the others that are not ready are told by their status."""
        findings = [(where, finding) for where, finding in self._findings() if where in about]
        # Events and logs are read in one namespace: that of the first one that shows what is wrong.
        first = findings[0][0] if findings else about[0]
        namespace = self._things[first]["metadata"].get("namespace", "")
        here = [
            (where, finding)
            for where, finding in findings
            if self._things[where]["metadata"].get("namespace", "") == namespace
        ]
        asked = {
            where
            for where in (first, *(where for where, _finding in here))
            if self._things[where]["kind"] in ready.WORKLOADS
        }
        things = {where[1]: self._things[where] for where in asked}
        what = f"{', '.join(self._name(where) for where in about)} {did}."
        told = failure(self._api, self._in(namespace), what, [finding for _where, finding in here], things)
        told.why += [
            f"{self._name(where)}: {ready.status(self._things[where]).text}"
            for where in self._waiting()
            if where not in asked
        ]
        if not asked:
            told.then = f"kubectl{f' -n {namespace}' if namespace else ''} describe {self._things[first]['kind'].lower()} {first[1]}"
        return told

    def _in(self, namespace: str) -> Context:
        return dataclasses.replace(self._context, params={**self._context.params, "namespace": namespace})


def _newer(thing: Object, known: Object) -> bool:
    """What was written before our own write tells nothing new."""
    was, now = known["metadata"].get("resourceVersion", "0"), thing["metadata"].get("resourceVersion", "0")
    return int(now) >= int(was) or thing["metadata"].get("uid") != known["metadata"].get("uid")
