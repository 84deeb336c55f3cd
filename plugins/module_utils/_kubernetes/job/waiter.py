# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits until a Job has ended, by one watch each on Jobs and
pods, and says the lines of its log as they come.

Gives up at once on what will not heal, and after a while on what may.
"""

from __future__ import annotations

import collections
import typing as t

from ..._common.errors import Conflict, ReleaseError
from ..._common.operation import Context
from ..api.log_stream import LogStream
from ..api.port import SYNC, KubeApi, Object, jobs, pods
from ..diagnosis import pod_problems as diagnosis
from ..diagnosis.failure import Finding, failure
from ..diagnosis.stuck_timer import Patience
from ..workload.status import conditions, owner
from .spec import container_of

# Beyond its own deadline: the Job controller ends the pods first, which have their time to leave.
_BEYOND = 60.0
_FLUSH_SECONDS = 5.0
_NO_POD = diagnosis.Trouble("", "", "it has no pod yet", heals=True)


class Ended(t.NamedTuple):
    """How the Job came to its end; ``reason`` is the Job controller's, or ours when the Job was given up."""

    succeeded: bool
    reason: str
    message: str


def ended(job: Object) -> Ended | None:
    """The verdict comes before the last pod is gone (SuccessCriteriaMet,
    FailureTarget), and is told in a condition of its own.
    """
    now = conditions(job)
    for kind, succeeded in (
        ("Complete", True),
        ("SuccessCriteriaMet", True),
        ("Failed", False),
        ("FailureTarget", False),
    ):
        found = now.get(kind, {})
        if found.get("status") == "True":
            return Ended(succeeded, found.get("reason", kind), found.get("message", ""))
    return None


class JobWait:
    def __init__(self, api: KubeApi, context: Context, job: Object) -> None:
        self.api, self.context, self.job = api, context, job
        self.name, self._uid = job["metadata"]["name"], job["metadata"]["uid"]
        self.container: str = container_of(job, context.params["container"])["name"]
        self.pods: dict[str, Object] = {}
        self.ended: Ended | None = ended(job)
        self._lines: dict[str, collections.deque[str]] = {}
        self._streams: dict[str, LogStream] = {}
        self._patience = Patience(context.params["stuck_after"])
        self.began = context.clock.now()
        self._said: set[str] = set()

    def until_ended(self, version: str, keep: t.Callable[[], None]) -> None:
        """
        :param version: resource version of the list of Jobs that was read first.
        :param keep: called all the while, about once a second at least; keeps the lock.
        """
        namespace = self.context.params["namespace"]
        try:
            with self.api.follow({jobs(namespace): version, pods(namespace): ""}) as stream:
                for event in stream:
                    keep()
                    if event.path == jobs(namespace):
                        self._job(event.type, event.object)
                    elif event.path == pods(namespace):
                        self._pods(event.type, event.object)
                    self._tell()
                    if self.ended:
                        return
                    self._judge()
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

    def told(self) -> dict[str, t.Any]:
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
        """Why, over the last pod; what it said we have had live already."""
        self._flush()  # what it said until now is what its failure is told with
        last = self._last()
        said = diagnosis.trouble(last) if last else _NO_POD
        if last and not said:
            reason = self.ended.reason if self.ended else "unfinished"
            said = diagnosis.Trouble(
                self.pod, self.container, reason, self.ended.message if self.ended else "", self.exit_code
            )
        finding = Finding(self.name, last or {"metadata": {"name": ""}}, t.cast("diagnosis.Trouble", said))
        lines = {name: list(known) for name, known in self._lines.items() if known}
        return failure(
            self.api,
            self.context,
            what,
            [finding],
            {self.name: {**self.job, "kind": "Job"}},
            logs=lines,
            changed=True,
            **self.told(),
        )

    def _job(self, kind: str, thing: Object) -> None:
        if kind == SYNC:
            there = [item for item in thing["items"] if item["metadata"]["uid"] == self._uid]
            self._job(*(("MODIFIED", there[0]) if there else ("DELETED", self.job)))
            return
        if thing["metadata"]["uid"] != self._uid:
            return
        if kind == "DELETED" and not self.ended:
            raise Conflict(
                f"Job {self.name} was deleted while it ran.",
                then=f"kubectl -n {self.context.params['namespace']} get events; then run it again",
            )
        self.job = thing
        self.ended = self.ended or ended(thing)

    def _pods(self, kind: str, thing: Object) -> None:
        for pod in thing["items"] if kind == SYNC else [thing]:
            reference = owner(pod, "Job")
            if reference and reference["uid"] == self._uid:
                self._pod(kind, pod)

    def _pod(self, kind: str, pod: Object) -> None:
        name, uid = pod["metadata"]["name"], pod["metadata"]["uid"]
        if uid not in self.pods:
            self.context.redact.learn_from(diagnosis.secrets_of(pod))
        self._patience.look(
            uid, None if kind == "DELETED" else diagnosis.trouble(pod), self.context.clock.now()
        )
        if kind == "DELETED" and _terminated(self.pods.get(uid, {}), self.container):
            pod = self.pods[uid]  # how it ended is known already
        self.pods[uid] = pod
        state = _state(pod, self.container)
        if uid not in self._streams and ("running" in state or "terminated" in state):
            self._lines[name] = collections.deque(maxlen=self.context.params["log_lines"])
            self._streams[uid] = LogStream(
                self.api, f"{pods(self.context.params['namespace'])}/{name}/log?container={self.container}"
            )
        if uid in self._streams and (kind == "DELETED" or ("terminated" in state and _is_over(pod))):
            self._streams[uid].end()
        if "running" in state:
            self._say_once(f"{self.name}: pod {name} runs on {(pod.get('spec') or {}).get('nodeName', '')}")
        found = state.get("terminated") or {}
        if found.get("exitCode"):
            self._say_once(f"{self.name}: pod {name} ended with exit code {found['exitCode']}")

    def _say_once(self, line: str) -> None:
        if line not in self._said:
            self._said.add(line)
            self._tell()  # what the container said comes before what is said of its end
            self.context.say(line)

    def _tell(self) -> None:
        for uid, stream in self._streams.items():
            name = self.pods[uid]["metadata"]["name"]
            for line in stream.taken():
                line = self.context.redact.text(line)
                self._lines[name].append(line)
                self.context.show(f"{self.name} | {line}")

    def _flush(self) -> None:
        """Everything that was said until the end, also when the end came before its lines."""
        if self.ended:
            for stream in self._streams.values():
                stream.end()
            for stream in self._streams.values():
                stream.join(_FLUSH_SECONDS)
        self._tell()

    def _judge(self) -> None:
        """What ends the wait before the Job has ended."""
        now, params = self.context.clock.now(), self.context.params
        self._patience.look("", None if self.pods else _NO_POD, now)
        for pod in self.pods.values():
            said = diagnosis.trouble(pod)
            if (
                said and said.hopeless and said.exit_code is None
            ):  # whoever has run and failed is the Job controller's to judge
                raise self.failure(f"Job {self.name} will not start.")
        if self._patience.over(now):
            raise self.failure(f"Job {self.name} did not start within {params['stuck_after']} s.")
        if now - self.began > params["timeout"] + _BEYOND:
            raise self.failure(
                f"Job {self.name} did not end within its timeout of {params['timeout']} s, nor did its controller end it."
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
    return (pod.get("spec") or {}).get("restartPolicy") == "Never" or (pod.get("status") or {}).get(
        "phase"
    ) in ("Succeeded", "Failed")
