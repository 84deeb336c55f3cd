# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits until a Job has ended, by one watch each on Jobs and
pods, and says the lines of its log as they come.

Gives up at once on a permanent problem, and after a while on a transient one.
"""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..._common.errors import Conflict, ReleaseError
from ..._common.operation import Context
from ..api.log_stream import LogStream
from ..api.port import KubeApi, Object, jobs, pods
from ..diagnosis import pod_problems as diagnosis
from ..diagnosis.failure import Finding, Situation, failure
from ..watching.live_objects import LiveObjects, Update
from ..watching.problems import StuckTimer
from ..workload.status import conditions, owner
from .spec import container_of

# Beyond its own deadline: the Job controller ends the pods first, which have their time to leave.
_DEADLINE_GRACE_SECONDS = 60.0
_FLUSH_SECONDS = 5.0
# Whether the Job succeeded, by the condition that says so.
_END_CONDITIONS = {"Complete": True, "SuccessCriteriaMet": True, "Failed": False, "FailureTarget": False}
_NO_POD = diagnosis.PodProblem("", "", "it has no pod yet", transient=True)


class Ended(t.NamedTuple):
    """How the Job ended; ``reason`` is the Job controller's."""

    succeeded: bool
    reason: str
    message: str


def ended(job: Object) -> Ended | None:
    """The verdict comes before the last pod is gone (SuccessCriteriaMet,
    FailureTarget), and stands in a condition of its own.
    """
    now = conditions(job)
    for kind, succeeded in _END_CONDITIONS.items():
        condition = now.get(kind, {})
        if condition.get("status") == "True":
            return Ended(succeeded, condition.get("reason", kind), condition.get("message", ""))
    return None


@dataclasses.dataclass(frozen=True)
class JobWaitOptions:
    """
    :ivar container: the one whose log and exit code count; None: the first.
    :ivar timeout: seconds after which the Job's own controller has ended it.
    :ivar stuck_after: seconds for which a transient problem is put up with.
    :ivar log_lines: the last lines of the log that are kept for the result.
    """

    namespace: str
    container: str | None
    timeout: int
    stuck_after: int
    log_lines: int


class JobWaiter:
    def __init__(self, api: KubeApi, context: Context, job: Object, options: JobWaitOptions) -> None:
        self.api = api
        self.context = context
        self.job = job
        self._options = options
        self._namespace = options.namespace
        self._live = LiveObjects()
        self.name: str = job["metadata"]["name"]
        self._uid: str = job["metadata"]["uid"]
        self.container: str = container_of(job, options.container)["name"]
        self.pods: dict[str, Object] = {}
        self.ended: Ended | None = ended(job)
        self._lines: dict[str, collections.deque[str]] = {}
        self._streams: dict[str, LogStream] = {}
        self._timer = StuckTimer(options.stuck_after)
        self.began = context.clock.now()
        self._said: set[str] = set()

    def until_ended(self, version: str, renew_if_due: t.Callable[[], None]) -> None:
        """
        :param version: resource version of the list of Jobs that was read first.
        :param renew_if_due: called all the while, about once a second at least; keeps the lock.
        """
        namespace = self._namespace
        self._live.add(jobs(namespace), {**self.job, "kind": "Job"})
        self._live.add_collection(pods(namespace))
        try:
            with self.api.follow({jobs(namespace): version, pods(namespace): ""}) as stream:
                for event in stream:
                    renew_if_due()
                    for update in self._live.take(event):
                        self._take(update)
                    self._report_lines()
                    if self.ended:
                        return
                    self._give_up_on_problems()
        finally:
            self._flush()

    @property
    def log(self) -> list[str]:
        """The last lines of the last try, redacted."""
        last = self._last()
        return list(self._lines.get(last["metadata"]["name"], ())) if last else []

    @property
    def pod(self) -> str:
        last = self._last()
        return last["metadata"]["name"] if last else ""

    @property
    def exit_code(self) -> int | None:
        codes = [_terminated(pod, self.container).get("exitCode") for pod in self._tries()]
        known = [code for code in codes if code is not None]
        if self.ended and self.ended.succeeded:
            return 0
        return known[-1] if known else None

    def as_result(self) -> dict[str, t.Any]:
        """As it stands in results, of success and of failure."""
        seconds = round(self.context.clock.now() - self.began, 1)
        return {
            "job": self.name,
            "pod": self.pod,
            "exit_code": self.exit_code,
            "tries": len(self.pods),
            "seconds": seconds,
            "log": self.log,
        }

    def failure(self, what: str) -> ReleaseError:
        """Says why, by the last pod. Its log has been shown while it ran."""
        self._flush()  # the failure shows the lines until now
        last = self._last()
        finding = Finding(self.name, last or {"metadata": {"name": ""}}, self._problem(last))
        lines = {name: list(known) for name, known in self._lines.items() if known}
        situation = Situation([finding], {self.name: {**self.job, "kind": "Job"}}, logs=lines)
        return failure(
            self.api, self.context, self._namespace, what, situation, changed=True, **self.as_result()
        )

    def _problem(self, last: Object | None) -> diagnosis.PodProblem:
        if last is None:
            return _NO_POD
        end = self.ended or Ended(False, "unfinished", "")
        return diagnosis.problem_of(last) or diagnosis.PodProblem(
            self.pod, self.container, end.reason, end.message, self.exit_code
        )

    def _take(self, update: Update) -> None:
        if update.where[0] == pods(self._namespace):
            reference = owner(update.obj, "Job")
            if reference and reference["uid"] == self._uid:
                self._pod(update.obj, update.is_gone)
        elif not update.is_gone:
            self.job = update.obj
            self.ended = self.ended or ended(update.obj)
        elif not self.ended:
            raise Conflict(
                f"Job {self.name} was deleted while it ran.",
                then=f"kubectl -n {self._namespace} get events; then run it again",
            )

    def _pod(self, pod: Object, is_gone: bool) -> None:
        name = pod["metadata"]["name"]
        uid = pod["metadata"]["uid"]
        if uid not in self.pods:
            self.context.redact.learn_from(diagnosis.secrets_of(pod))
        self._timer.note(uid, None if is_gone else diagnosis.problem_of(pod), self.context.clock.now())
        if is_gone and _terminated(self.pods.get(uid, {}), self.container):
            pod = self.pods[uid]  # how it ended is known already
        self.pods[uid] = pod
        state = _state(pod, self.container)
        if uid not in self._streams and ("running" in state or "terminated" in state):
            self._lines[name] = collections.deque(maxlen=self._options.log_lines)
            self._streams[uid] = LogStream(
                self.api, f"{pods(self._namespace)}/{name}/log?container={self.container}"
            )
        if uid in self._streams and (is_gone or ("terminated" in state and _is_over(pod))):
            self._streams[uid].end()
        if "running" in state:
            self._say_once(f"{self.name}: pod {name} runs on {(pod.get('spec') or {}).get('nodeName', '')}")
        terminated = state.get("terminated") or {}
        if terminated.get("exitCode"):
            self._say_once(f"{self.name}: pod {name} ended with exit code {terminated['exitCode']}")

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._report_lines()  # the container's lines come before the line about its end
            self.context.say(line)

    def _report_lines(self) -> None:
        for uid, stream in self._streams.items():
            name = self.pods[uid]["metadata"]["name"]
            for line in stream.taken():
                line = self.context.redact.text(line)
                self._lines[name].append(line)
                self.context.show(f"{self.name} | {line}")

    def _flush(self) -> None:
        """Reports all lines until the end of the Job, also when its end came before its last lines."""
        if self.ended:
            for stream in self._streams.values():
                stream.end()
            for stream in self._streams.values():
                stream.join(_FLUSH_SECONDS)
        self._report_lines()

    def _give_up_on_problems(self) -> None:
        """What ends the wait before the Job has ended."""
        now, options = self.context.clock.now(), self._options
        self._timer.note("", None if self.pods else _NO_POD, now)
        for pod in self.pods.values():
            problem = diagnosis.problem_of(pod)
            # A container that ran and failed is the Job controller's to judge.
            if problem and problem.permanent and problem.exit_code is None:
                raise self.failure(f"Job {self.name} will not start.")
        if self._timer.over(now):
            raise self.failure(f"Job {self.name} did not start within {options.stuck_after} s.")
        if now - self.began > options.timeout + _DEADLINE_GRACE_SECONDS:
            raise self.failure(
                f"Job {self.name} did not end within its timeout of {options.timeout} s, nor did its controller end it."
            )

    def _tries(self) -> list[Object]:
        return sorted(self.pods.values(), key=lambda pod: str(pod["metadata"].get("creationTimestamp", "")))

    def _last(self) -> Object | None:
        return self._tries()[-1] if self.pods else None


def _state(pod: Object, container: str) -> Object:
    statuses = (pod.get("status") or {}).get("containerStatuses") or []
    return next((status.get("state") or {} for status in statuses if status.get("name") == container), {})


def _terminated(pod: Object, container: str) -> Object:
    return t.cast("Object", _state(pod, container).get("terminated") or {})


def _is_over(pod: Object) -> bool:
    """Whether the container will not be started again in this pod."""
    phase = (pod.get("status") or {}).get("phase")
    return (pod.get("spec") or {}).get("restartPolicy") == "Never" or phase in ("Succeeded", "Failed")
