# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Takes the workloads of a wave through their strategies, side by side, by one event loop.

One watch a kind and namespace goes on from wave to wave, so what others write in between needs no request.
Pods are watched only once a workload has been waited for a moment: a healthy wave needs no reasons. The wave
gives up at once on a permanent problem.
"""

from __future__ import annotations

import dataclasses
import itertools
import typing as t

from ..._common.errors import Conflict, ReleaseError
from ..._common.operation import Context
from ..._release.lock import ReleaseLock
from ..api.port import Event, Follow, KubeApi, Object, pods, workloads
from ..diagnosis.failure import Finding, Situation, failure
from ..watching.live_objects import LiveObjects, Update, Where
from ..watching.problems import Problems
from ..workload import status as workload
from ..workload.change import Change
from ..workload.fields.base import FieldValues
from ..workload.pod_owners import PodOwners
from . import interference
from .blocking_pods import BlockingPods
from .strategies.base import Condition, ServiceRollout, Step, Strategy

# A healthy pod takes about that long to become ready
# (the kubelet looks at its containers once a second).
_SECONDS_BEFORE_PODS = 1.5
# A patch is made again when somebody else was quicker: also when only the status was written.
_PATCH_ATTEMPTS = 10


@dataclasses.dataclass(frozen=True)
class Move:
    """What a wave does with one workload.

    :ivar change: all that changes, as it was planned.
    :ivar steps: the strategy's plan.
    :ivar steps_left: those that are to be done, or waited for.
    :ivar replan: makes the change of a step for the newest state of the object.
    :ivar run: the strategy: its verbs, and what it waits for.
    """

    change: Change
    steps: t.Sequence[Step]
    steps_left: t.Sequence[Step]
    replan: t.Callable[[Object, Step], Change]
    run: t.Callable[[ServiceRollout], t.Iterator[Condition]]


def at_once(change: Change, replan: t.Callable[[Object], Change]) -> Move:
    """One patch that is waited for: what rollbacks and maintenance do."""
    steps = [Step("", change.after)]
    return Move(change, steps, steps, lambda obj, _step: replan(obj), Strategy().run)


@dataclasses.dataclass(frozen=True)
class WaveScope:
    """Where waves work, and when they give up.

    :ivar versions: collection path -> resource version of the list that the objects come from.
    :ivar stuck_after: seconds after which a transient problem is a failure.
    :ivar watches_settled: give up, too, when what settled in an earlier wave breaks while a later one rolls out.
    """

    namespace: str
    versions: t.Mapping[str, str]
    stuck_after: int
    watches_settled: bool = False

    def of(self, changes: t.Iterable[Change]) -> WaveScope:
        """The same, with only the collections that these changes are in."""
        paths = {change.path(self.namespace).rpartition("/")[0] for change in changes}
        versions = {path: version for path, version in self.versions.items() if path in paths}
        return dataclasses.replace(self, versions=versions)


class WorkloadRun:
    """A workload on its way: the port of its strategy, and how far it is."""

    def __init__(self, move: Move, wave: WaveRunner, now: float) -> None:
        self.name = move.change.name
        self.steps = move.steps
        self.steps_left = move.steps_left
        self.move = move
        self._wave = wave
        self.began = now
        self.waiting_since = now
        self.change = move.change
        # What its steps have set until now: nobody else may change that of its pods.
        self.desired: FieldValues = {}
        self.condition: Condition | None = None
        self.script = move.run(self)

    @property
    def live(self) -> Object:
        return self._wave.objects[self.name]

    def patch(self, step: Step) -> None:
        self.change = self._wave.patch(self, step)
        self.desired.update(self.change.after)


class WaveRunner:
    """``objects`` holds the newest state of all workloads by name; ``settled`` the seconds that each took."""

    def __init__(
        self, api: KubeApi, context: Context, objects: t.Mapping[str, Object], scope: WaveScope
    ) -> None:
        self.api = api
        self.context = context
        self.namespace = scope.namespace
        self.settled: dict[str, float] = {}
        self._scope = scope
        self._live = LiveObjects()
        self._where: dict[str, Where] = {}
        for name, obj in objects.items():
            path = workloads(obj["kind"], self.namespace)
            self._where[name] = path, name
            self._live.add(path, obj)
        self._stream: Follow | None = None
        self._runs: dict[str, WorkloadRun] = {}
        self._begun: set[str] = set()
        self._reported: dict[str, str] = {}
        self._watches_pods = False
        self._problems = Problems(scope.stuck_after)
        self._owners = PodOwners(api, self.namespace)
        self._blocking = BlockingPods(api, context, self._owners)
        self._assert_held: t.Callable[[], None] = lambda: None
        self._verb = ""

    def __enter__(self) -> WaveRunner:
        return self

    def __exit__(self, *details: object) -> None:
        if self._stream is not None:
            self._stream.__exit__(*details)

    @property
    def objects(self) -> dict[str, Object]:
        known = self._live.objects
        return {name: known[where] for name, where in self._where.items() if where in known}

    def run(self, moves: t.Sequence[Move], lock: ReleaseLock, parallel: int = 0, verb: str = "") -> None:
        """Takes the workloads of one wave to their end, at most ``parallel`` at a time (0: all of them).

        :param lock: asserted before every write, and renewed while waiting.
        :param verb: stands before each change in the live lines.
        """
        queue = list(moves)
        self._runs = {}
        self._assert_held = lock.assert_held
        self._verb = verb
        for event in itertools.chain([None], self._events(lock.renew_if_due)):
            self._advance_all(event)
            while queue and not (parallel and len(self._waiting()) >= parallel):
                self._begin(queue.pop(0))
            if not self._waiting():
                return
            self._watch_the_clock()

    def has_begun(self, change: Change) -> bool:
        return change.name in self._begun

    def patch(self, run: WorkloadRun, step: Step) -> Change:
        """Writes a step; the change as it was made in the end, with what others have written in the meantime."""
        for left in reversed(range(_PATCH_ATTEMPTS)):
            live = self.objects.get(run.name)
            if live is None:
                raise interference.deleted(run.change.kind, run.name, self.namespace, is_replaced=False)
            change = run.move.replan(live, step)
            if not change.patch:
                return change
            try:
                self._assert_held()
                self._live.objects[self._where[run.name]] = self.api.patch(
                    change.path(self.namespace), change.patch
                )
            except Conflict:
                if not left or not self._read_again(change):
                    raise
            else:
                self.context.say(f"{run.name}: {self._verb}{change}")
                return change
        raise AssertionError("the last attempt returns or raises")

    def _read_again(self, change: Change) -> bool:
        """Reads an object that somebody else has written; whether it is still the same one."""
        selector = f"fieldSelector=metadata.name%3D{change.name}"
        listing = self.api.get(f"{workloads(change.kind, self.namespace)}?{selector}")
        live = workload.by_name(listing, change.kind).get(change.name)
        if live is None or live["metadata"]["uid"] != change.uid:
            return False
        self._live.objects[self._where[change.name]] = live
        return True

    def _begin(self, move: Move) -> None:
        run = WorkloadRun(move, self, self.context.clock.now())
        self._runs[run.name] = run
        self._begun.add(run.name)
        self._advance(run)

    def _events(self, renew_if_due: t.Callable[[], None]) -> t.Iterator[Event]:
        if self._stream is None:
            self._stream = self.api.follow(self._scope.versions)
        for event in self._stream:
            renew_if_due()
            yield event

    def _advance_all(self, event: Event | None) -> None:
        """Takes an event in, and lets go on whoever it concerns; time concerns those that hold."""
        if event is None:
            return
        for update in self._live.take(event):
            if update.where[0] == pods(self.namespace):
                self._take_pod(update)
            else:
                self._take_workload(update)
        self._give_up_on_problems()
        for run in self._waiting().values():
            if run.condition is not None and not run.condition.expects_progress:
                self._advance(run)

    def _take_workload(self, update: Update) -> None:
        name = update.where[1]
        run = self._waiting().get(name)
        if run is None:
            return
        if update.is_gone:
            raise interference.deleted(update.obj["kind"], name, self.namespace, update.is_replaced)
        self._advance(run)

    def _advance(self, run: WorkloadRun) -> None:
        """Lets a strategy go on as far as its conditions are met."""
        while True:
            now = self.context.clock.now()
            if run.condition is None:
                run.condition = next(run.script, None)
                run.waiting_since = now
                if run.condition is None:
                    self._settle(run)
                    return
            self._assess(run, run.condition)
            if not run.condition.is_met(run.live, now - run.waiting_since):
                return
            run.condition = None

    def _settle(self, run: WorkloadRun) -> None:
        seconds = round(self.context.clock.now() - run.began, 1)
        self.settled[run.name] = seconds
        if seconds:
            self.context.say(f"{run.name}: settled after {seconds} s, {workload.status(run.live).text}")

    def _assess(self, run: WorkloadRun, condition: Condition) -> None:
        """Gives up on what failed or is not ours any more; reports progress."""
        live = run.live
        if conflict := interference.foreign_change(live, run.desired, self.namespace):
            raise conflict
        status = workload.status(live)
        is_expected = condition.expects_progress and status.state == workload.PROGRESSING
        self._problems.note_workload(run.name, live if is_expected else None, self.context.clock.now())
        if status.state == workload.FAILED:
            raise self._failure(f"{run.name} failed: {status.text}.")
        is_news = workload.seen(live) and self._reported.get(run.name) != status.step
        if status.state == workload.PROGRESSING and is_news:
            self._reported[run.name] = status.step
            self.context.say(f"{run.name}: {status.text}")

    def _waiting(self) -> dict[str, WorkloadRun]:
        return {name: run for name, run in self._runs.items() if name not in self.settled}

    def _watch_the_clock(self) -> None:
        now = self.context.clock.now()
        late = {
            run.name: run.change.timeout
            for run in self._waiting().values()
            if run.condition
            and run.condition.expects_progress
            and now - run.waiting_since > run.change.timeout
        }
        if late:
            timeouts = ", ".join(dict.fromkeys(f"{timeout} s" for timeout in late.values()))
            raise self._failure(f"{', '.join(late)} did not settle within {timeouts}.")
        has_waited = any(now - run.began > _SECONDS_BEFORE_PODS for run in self._waiting().values())
        if self._stream is not None and has_waited and not self._watches_pods:
            self._watches_pods = True
            self._live.add_collection(pods(self.namespace))
            self._stream.add(pods(self.namespace))

    def _take_pod(self, update: Update) -> None:
        self._problems.note_pod(update.obj, update.is_gone, self.context.clock.now())
        if update.where[1] in self._problems.permanent:
            waiting = [run.live for run in self._waiting().values()]
            self._blocking.delete_if_blocking(update.obj, waiting, self._assert_held)

    def _give_up_on_problems(self) -> None:
        """Fails at once on a permanent problem, and after ``stuck_after`` seconds on
        one that only somebody else can fix. 'Not ready yet' alone is not a failure.
        """
        if not self._has_problem():
            return
        findings = [finding for finding in self._findings() if _is_reason(finding)]
        permanent = sorted({finding.workload for finding in findings if finding.problem.permanent})
        if permanent:
            never = [name for name in permanent if name not in self.settled]
            words = [f"{', '.join(never)} will not become ready."] if never else []
            words += [f"{name} broke after it had settled." for name in permanent if name in self.settled]
            raise self._failure(" ".join(words), findings)
        stuck = sorted({finding.workload for finding in findings if finding.problem.transient})
        raise self._failure(f"{', '.join(stuck)} made no progress for {self._scope.stuck_after} s.", findings)

    def _has_problem(self) -> bool:
        """Cheap: most events bring none."""
        stuck = set(self._problems.stuck(self.context.clock.now()))
        pods_by_uid = {pod["metadata"]["uid"]: pod for pod in self._live.in_collection(pods(self.namespace))}
        suspects = [*self._problems.permanent.values()]
        suspects += [pods_by_uid[uid] for uid in stuck if uid in pods_by_uid]
        return any(self._workload_of(pod) for pod in suspects) or not stuck.isdisjoint(self._waiting())

    def _findings(self) -> list[Finding]:
        """What is wrong with the workloads that still wait, the worst first."""
        path = pods(self.namespace)
        items = self._live.in_collection(path) if self._watches_pods else self.api.get(path)["items"]
        waiting = {name: (name, run.live) for name, run in self._waiting().items()}
        pairs = self._problems.findings(waiting, items, self._workload_of, self.context.clock.now())
        return [finding for _name, finding in pairs]

    def _workload_of(self, pod: Object) -> tuple[str, str] | None:
        """Name of the watched workload whose newest version this pod
        runs, or whose rollout it blocks; None for any other pod.
        """
        owner = None
        waiting = [run.live for run in self._waiting().values()]
        if not pod["metadata"].get("deletionTimestamp"):
            owner = self._owners.workload_of(pod, [*waiting, *self._settled_before()])
        if not owner and pod["metadata"]["uid"] not in self._problems.permanent:  # those are deleted
            owner = self._owners.workload_blocked_by(pod, waiting)
        if not owner:
            return None
        name = owner["metadata"]["name"]
        return name, name

    def _settled_before(self) -> list[Object]:
        if not self._scope.watches_settled:
            return []
        objects = self.objects
        return [objects[name] for name in self.settled if name in objects]

    def _failure(self, what: str, findings: list[Finding] | None = None) -> ReleaseError:
        situation = Situation(
            self._findings() if findings is None else findings,
            {name: run.live for name, run in self._waiting().items()},
            self.objects,
        )
        return failure(self.api, self.context, self.namespace, what, situation)


def _is_reason(finding: Finding) -> bool:
    problem = finding.problem
    return problem.permanent or problem.transient or problem.exit_code is not None
