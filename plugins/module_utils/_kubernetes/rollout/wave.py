# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Changes workloads and waits until each has settled on what it was given, by one watch a kind and namespace.

The watches go on from wave to wave, so what others write in between is known without asking. Pods
are watched beside the workloads only once somebody has waited for a moment: a wave that is well
needs no reasons. Gives up at once on what will not heal.
"""

from __future__ import annotations

import contextlib
import itertools
import typing as t

from ..._common.errors import Conflict, NotFound, ReleaseError
from ..._common.operation import Context
from ..api.port import SYNC, Event, Follow, KubeApi, Object, pods, workloads
from ..diagnosis import pod_problems as diagnosis
from ..diagnosis.failure import Finding, failure
from ..diagnosis.stuck_timer import Patience
from ..release_state.lock import Lock
from ..workload import status as workload
from ..workload.change import Change
from ..workload.fields import differing, observed, of_template
from ..workload.pod_owners import Revisions
from ..workload.pod_spec import containers

# A pod takes about that long to become ready when all is well
# (the kubelet looks at its containers once a second).
_SECONDS_BEFORE_PODS = 1.5


# How often a patch is made anew because somebody else was
# quicker: a status that is being written is one, too.
_TRIES = 10

Plan = t.Callable[[Object], Change]


class Wait:
    """``objects`` holds the newest state of all workloads by
    name; ``settled`` the seconds that each change took.

    :param versions: collection path -> resource version of the list that ``objects`` come from.
    :param look_back: give up, too, when what settled in an earlier wave breaks while a later one rolls out.
    """

    def __init__(
        self,
        api: KubeApi,
        context: Context,
        objects: dict[str, Object],
        versions: dict[str, str],
        look_back: bool = False,
    ) -> None:
        self.api, self.context, self.namespace, self.objects = (
            api,
            context,
            context.params["namespace"],
            objects,
        )
        self.settled: dict[str, float] = {}
        self._versions, self._look_back = versions, look_back
        self._stream: Follow | None = None
        self._changes: dict[str, Change] = {}
        self._began: dict[str, float] = {}
        self._said: dict[str, str] = {}
        self._pods: dict[str, Object] | None = None
        self._hopeless: dict[str, Object] = {}
        self._patience = Patience(context.params["stuck_after"])
        self._freed: set[str] = set()
        self._revisions = Revisions(api, self.namespace)
        self._fence: t.Callable[[], None] = lambda: None

    def __enter__(self) -> Wait:
        return self

    def __exit__(self, *details: object) -> None:
        if self._stream is not None:
            self._stream.__exit__(*details)

    def roll(self, changes: list[Change], plan: Plan, lock: Lock, parallel: int = 0, how: str = "") -> None:
        """Makes the changes of one wave, at most ``parallel`` at a time (0: all), and waits for all of them.

        :param plan: makes a change anew, for an object that somebody else wrote meanwhile.
        :param lock: looked at before every write, and kept while waiting.
        """
        queue, self._changes, self._fence = list(changes), {}, lock.fence
        for _event in itertools.chain([None], self._events(lock.keep)):
            while queue and not (parallel and len(self._waiting()) >= parallel):
                self._begin(queue.pop(0), plan, how)
            if not self._waiting():
                return
            self._look_at_the_clock()

    def began(self, change: Change) -> bool:
        """Whether it was its turn already."""
        return change.name in self._began

    def _events(self, keep: t.Callable[[], None]) -> t.Iterator[Event]:
        if self._stream is None:
            self._stream = self.api.follow(self._versions)
        for event in self._stream:
            keep()
            if event.path == pods(self.namespace):
                self._pod(event.type, event.object)
            elif event.path:
                self._workload(event)
            self._give_up_on_the_hopeless()
            yield event

    def _begin(self, change: Change, plan: Plan, how: str) -> None:
        change = self._made(change, plan)
        if change.patch:
            self.context.say(f"{change.name}: {how}{change}")
        self._changes[change.name] = change
        self._began[change.name] = self.context.clock.now()
        self._look(change.name)

    def _made(self, change: Change, plan: Plan) -> Change:
        """Patches, with what others have written meanwhile in
        the baseline; the change as it was made in the end.
        """
        for left in reversed(range(_TRIES)):
            try:
                if change.patch:
                    self._fence()
                    self.objects[change.name] = self.api.patch(change.path(self.namespace), change.patch)
                return change
            except Conflict:
                one = f"{workloads(change.kind, self.namespace)}?fieldSelector=metadata.name%3D{change.name}"
                there = workload.by_name(self.api.get(one), change.kind).get(change.name)
                if not left or there is None or there["metadata"]["uid"] != change.uid:
                    raise
                self.objects[change.name] = there
                change = plan(there)
        return change

    def _waiting(self) -> list[str]:
        return [name for name in self._changes if name not in self.settled]

    def _look_at_the_clock(self) -> None:
        now = self.context.clock.now()
        late = {
            name: self._changes[name].timeout
            for name in self._waiting()
            if now - self._began[name] > self._changes[name].timeout
        }
        if late:
            raise self._failure(
                f"{', '.join(late)} did not settle within {', '.join(dict.fromkeys(f'{timeout} s' for timeout in late.values()))}."
            )
        if (
            self._pods is None
            and self._stream is not None
            and any(now - self._began[name] > _SECONDS_BEFORE_PODS for name in self._waiting())
        ):
            self._pods = {}
            self._stream.add(pods(self.namespace))

    def _workload(self, event: Event) -> None:
        if event.type == SYNC:
            kind = next(
                kind
                for kind in {thing["kind"] for thing in self.objects.values()}
                if workloads(kind, self.namespace) == event.path
            )
            there = workload.by_name(event.object, kind)
            for name, known in list(self.objects.items()):
                if known["kind"] == kind:
                    self._workload(
                        Event(
                            event.path, "MODIFIED" if name in there else "DELETED", there.get(name) or known
                        )
                    )
            return
        thing, name = event.object, event.object["metadata"]["name"]
        known_as = self.objects.get(name)
        if known_as is None or known_as["kind"] != thing["kind"] or not _newer(thing, known_as):
            return
        if event.type == "DELETED" or thing["metadata"]["uid"] != known_as["metadata"]["uid"]:
            del self.objects[name]
            if name in self._waiting():
                raise Conflict(
                    f"{thing['kind']} {name} was deleted while it rolled out"
                    + (", and another one made." if event.type != "DELETED" else "."),
                    then=f"create it again where it is missing (kubectl -n {self.namespace} get {thing['kind'].lower()} {name}); then run the release again",
                )
            return
        self.objects[name] = thing
        if name in self._waiting():
            self._look(name)

    def _look(self, name: str) -> None:
        thing, change = self.objects[name], self._changes[name]
        target = of_template(change.after)
        if foreign := differing(observed(thing, target), target):
            there, who = observed(thing, target), last_writer(thing)
            told = [
                f"{' '.join(path)}: wanted {target[path]}, found {there.get(path)}"
                for path in foreign
                if path[0] in ("images", "resources")
            ]
            raise Conflict(
                f"Somebody else changed {thing['kind']} {name} while it rolled out"
                + (f": {who}." if who else "."),
                why=told or [f"{' '.join(path[:3])} is not what this release has set" for path in foreign],
                then=f"kubectl -n {self.namespace} get {thing['kind'].lower()} {name} -o yaml --show-managed-fields; then run the release again",
            )
        now = workload.status(thing)
        self._patience.look(
            name,
            diagnosis.trouble_of_workload(thing) if now.state == workload.PROGRESSING else None,
            self.context.clock.now(),
        )
        if now.state == workload.READY:
            self.settled[name] = round(self.context.clock.now() - self._began[name], 1)
            if self.settled[name]:
                self.context.say(f"{name}: settled after {self.settled[name]} s, {now.text}")
        elif now.state == workload.FAILED:
            raise self._failure(f"{name} failed: {now.text}.")
        elif workload.seen(thing) and self._said.get(name) != now.step:
            self._said[name] = now.step
            self.context.say(f"{name}: {now.text}")

    def _pod(self, kind: str, thing: Object) -> None:
        if self._pods is None:
            self._pods = {}
        if kind == SYNC:
            listed = {item["metadata"]["uid"] for item in thing["items"]}
            for gone in [pod for uid, pod in self._pods.items() if uid not in listed]:
                self._pod("DELETED", gone)
            for item in thing["items"]:
                self._pod("ADDED", item)
            return
        uid = thing["metadata"]["uid"]
        self._pods.pop(uid, None)
        self._hopeless.pop(uid, None)
        found, now = None, self.context.clock.now()
        if kind != "DELETED":
            self._pods[uid] = thing
            found = diagnosis.trouble(thing)
            if going := diagnosis.leaving(thing):
                found, now = going, now + float(thing["metadata"].get("deletionGracePeriodSeconds") or 0)
            if found and found.hopeless:
                self._hopeless[uid] = thing
                self._free(thing)
        self._patience.look(uid, found, now)

    def _free(self, pod: Object) -> None:
        """Deletes a broken pod of an old version that a StatefulSet waits for before it goes on.

        The controller waits for it to become ready, which it never does; going back to the old
        template alone does not help (Kubernetes documentation, StatefulSets, "Forced rollback").
        """
        for name in self._waiting():
            thing, uid = self.objects[name], pod["metadata"]["uid"]
            if (
                thing["kind"] != "StatefulSet"
                or uid in self._freed
                or not workload.seen(thing)
                or not self._revisions.owns(thing, pod)
            ):
                continue
            if not self._revisions.is_newest(thing, pod):
                self._freed.add(uid)
                self.context.say(
                    f"{name}: deleting its broken pod {pod['metadata']['name']} of the version before, which holds up the others"
                )
                self._fence()
                with contextlib.suppress(
                    NotFound, Conflict
                ):  # it is gone, or another one of its name has taken its place
                    self.api.delete(
                        f"{pods(self.namespace)}/{pod['metadata']['name']}", {"preconditions": {"uid": uid}}
                    )

    def _give_up_on_the_hopeless(self) -> None:
        """At once on what will not heal, after a while on what somebody
        else would have to mend. What only is not ready yet is no reason.
        """
        stuck = self._patience.over(self.context.clock.now())
        there = self._pods or {}
        for pod in [*self._hopeless.values(), *(there[uid] for uid in stuck if uid in there)]:
            if self._name_of(pod):
                break
        else:
            if not any(name in stuck for name in self._waiting()):
                return
        findings = [
            finding
            for finding in self._findings()
            if finding.trouble.hopeless or finding.trouble.heals or finding.trouble.exit_code is not None
        ]
        if names := sorted({finding.workload for finding in findings if finding.trouble.hopeless}):
            broke, never = (
                [name for name in names if name in self.settled],
                [name for name in names if name not in self.settled],
            )
            said = [f"{', '.join(never)} will not become ready."] if never else []
            raise self._failure(
                " ".join(said + [f"{name} broke after it had settled." for name in broke]), findings
            )
        names = sorted({finding.workload for finding in findings if finding.trouble.heals})
        raise self._failure(
            f"{', '.join(names)} did not get on for {self.context.params['stuck_after']} s.", findings
        )

    def _findings(self) -> list[Finding]:
        """What is wrong with the workloads that still wait: the
        hopeless before the others, a named reason before 'not ready'.
        """
        if self._pods is None:
            self._pods = {
                item["metadata"]["uid"]: item for item in self.api.get(pods(self.namespace))["items"]
            }
        found = []
        for name in self._waiting():
            if said := diagnosis.trouble_of_workload(self.objects[name]):
                found.append(Finding(name, {}, said))
        now = self.context.clock.now()
        for uid, pod in self._pods.items():
            going = diagnosis.leaving(pod)
            if (going and not self._patience.has_begun(uid, now)) or not (name := self._name_of(pod)):
                continue
            said = going or diagnosis.trouble(pod)
            if not said and (unready := diagnosis.unready(pod)):
                said = diagnosis.Trouble(pod["metadata"]["name"], "", "not ready", unready)
            if said:
                found.append(Finding(name, pod, said))
        return sorted(found, key=lambda finding: _rank(finding.trouble), reverse=True)

    def _name_of(self, pod: Object) -> str:
        """The workload that is waited for (or looked back at) and whose newest
        version the pod runs, or that it holds up; '' for all other pods.
        """
        found = None
        if not pod["metadata"].get("deletionTimestamp"):
            found = self._revisions.workload_of(pod, [self.objects[name] for name in self._watched()])
        if not found and pod["metadata"]["uid"] not in self._hopeless:  # those are taken out of the way
            found = self._revisions.held_up_by(pod, [self.objects[name] for name in self._waiting()])
        return str(found["metadata"]["name"]) if found else ""

    def _watched(self) -> list[str]:
        return [
            *self._waiting(),
            *(
                name
                for name in self.settled
                if self._look_back and name in self.objects and name in self._began
            ),
        ]

    def _failure(self, what: str, findings: list[Finding] | None = None) -> ReleaseError:
        told = self._findings() if findings is None else findings
        return failure(
            self.api,
            self.context,
            what,
            told,
            {name: self.objects[name] for name in self._waiting()},
            self.objects,
        )


def digests(api: KubeApi, namespace: str, wanted: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    """Digest by container and workload, as the container runtime reports what it runs.

    :param wanted: images by container and workload.
    """
    found: dict[str, dict[str, str]] = {name: {} for name in wanted}
    for pod in api.get(pods(namespace))["items"]:
        images = {container["name"]: container["image"] for container in containers(pod)}
        for status in workload.statuses(pod):
            for name, asked in wanted.items():
                if asked.get(status["name"]) == images.get(status["name"], "") and "@" in status.get(
                    "imageID", ""
                ):
                    found[name][status["name"]] = status["imageID"].rsplit("@", 1)[1]
    return found


def last_writer(thing: Object) -> str:
    """Who wrote the pod template last, other than ourselves,
    by the managed fields; '' where they do not tell.
    """
    wrote = [
        entry
        for entry in thing["metadata"].get("managedFields") or []
        if "f:template" in (entry.get("fieldsV1") or {}).get("f:spec", {})
        and entry.get("manager") != "runbook.release"
    ]
    newest = max(wrote, key=lambda entry: str(entry.get("time", "")), default=None)
    return f"{newest['manager']} at {newest.get('time', 'an unknown time')}" if newest else ""


def _rank(said: diagnosis.Trouble) -> tuple[bool, bool, bool, bool]:
    return said.hopeless, said.exit_code is not None, said.heals, said.reason != "not ready"


def _newer(thing: Object, known: Object) -> bool:
    """Events of before our patch come first when the watch begins at an older version; they tell nothing new."""
    return (
        int(thing["metadata"]["resourceVersion"]) >= int(known["metadata"]["resourceVersion"])
        or thing["metadata"]["uid"] != known["metadata"]["uid"]
    )
