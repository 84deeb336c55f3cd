# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs a command in a running pod, and shows its output line by line."""

from __future__ import annotations

import dataclasses
import json
import shlex
import typing as t
import urllib.parse

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option, did_you_mean
from ..api.exec_stream import ExecClient
from ..api.options import NAMESPACE
from ..api.port import STATUS, STDERR, STDOUT, ExecApi, KubeApi, Object, pods
from ..diagnosis import pod_problems as diagnosis
from ..workload import pod_spec as podspec
from ..workload.by_name import named
from ..workload.pod_owners import PodOwners
from ..workload.status import conditions

_LAST_LINES = 5


@dataclasses.dataclass(frozen=True)
class Command:
    """A command, and the container of the pod that it runs in.

    :ivar timeout: seconds that it may take.
    """

    namespace: str
    pod: str
    container: str
    words: list[str]
    stdin: str | None
    timeout: int

    def __str__(self) -> str:
        return shlex.join(self.words)

    @property
    def where(self) -> str:
        return f"in pod {self.pod}, container {self.container}"

    @property
    def path(self) -> str:
        query = [("container", self.container), ("stdout", "1"), ("stderr", "1")]
        if self.stdin is not None:
            query.append(("stdin", "1"))
        query += [("command", word) for word in self.words]
        return f"{pods(self.namespace)}/{self.pod}/exec?{urllib.parse.urlencode(query)}"

    def as_result(self) -> dict[str, t.Any]:
        return {"cmd": self.words, "pod": self.pod, "container": self.container}


def run(api: ExecApi, context: Context) -> Result:
    params = context.params
    namespace = params["namespace"]
    pod = _pod(api, namespace, params["pod"], params["workload"])
    command = Command(
        namespace,
        pod["metadata"]["name"],
        _container(pod, params["container"]),
        params["command"],
        params["stdin"],
        params["timeout"],
    )
    if context.check_mode:
        # As ansible.builtin.command does: what it would do is not
        # known. A task that only reads sets check_mode: false.
        skipped = {"rc": 0, "skipped": True, "msg": "Command would have run if not in check mode"}
        return Result(True, values={**command.as_result(), **skipped})
    context.redact.learn_from(diagnosis.secrets_of(pod))
    return Result(True, values=_execute(api, context, command))


def _execute(api: ExecApi, context: Context, command: Command) -> dict[str, t.Any]:
    began = context.clock.now()
    output = _Output(context, command.pod)
    status = ""
    try:
        for channel, text in api.execute(command.path, command.stdin, command.timeout):
            if channel == STATUS:
                status += text
            else:
                output.add(channel, text)
    except TimeoutError as exc:
        raise ReleaseError(
            f"The command did not end within {command.timeout} s {command.where}.",
            why=[f"it runs: {command}", *output.last_lines()],
            done="the connection was closed; the command may go on in the container, which only its pod can end",
            then=f"kubectl -n {command.namespace} delete pod {command.pod} ends it, or set a longer timeout",
            changed=True,
            **command.as_result(),
            **output.as_result(),
            rc=None,
        ) from exc
    finally:
        output.flush()
    code, problem = exit_code(status)
    delta = round(context.clock.now() - began, 2)
    values = {**command.as_result(), **output.as_result(), "rc": code, "delta": delta}
    if code == 0:
        return values
    what = f"The command ended with exit code {code} {command.where}."
    why = [f"it ran: {command}", *output.last_lines()]
    if code is None:
        what = f"The command could not be run {command.where}."
        why.insert(0, problem)
    then = f"kubectl -n {command.namespace} exec {command.pod} -c {command.container} -- {command}"
    raise ReleaseError(what, why=why, then=then, changed=True, **values)


def exit_code(status: str) -> tuple[int | None, str]:
    """What the kubelet reports at the end: 0 for Success, the code of a
    command that failed; None, and the problem, for one that never ran.
    """
    try:
        report = json.loads(status)
    except ValueError:
        return None, "the connection ended before the command did; it may have run, and may still run"
    if report.get("status") == "Success":
        return 0, ""
    for cause in (report.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"]), ""
    return None, str(report.get("message", ""))


class _Output:
    """Both outputs: shown line by line as they come, and kept whole."""

    def __init__(self, context: Context, pod: str) -> None:
        self._context = context
        self._pod = pod
        self._whole = {STDOUT: "", STDERR: ""}
        self._unfinished_line = {STDOUT: "", STDERR: ""}

    def add(self, channel: int, text: str) -> None:
        self._whole[channel] += text
        *lines, self._unfinished_line[channel] = (self._unfinished_line[channel] + text).split("\n")
        for line in lines:
            self._context.say(f"{self._pod} | {line}")

    def flush(self) -> None:
        for channel, line in self._unfinished_line.items():
            if line:
                self._context.say(f"{self._pod} | {line}")
            self._unfinished_line[channel] = ""

    def as_result(self) -> dict[str, t.Any]:
        """Under the names of ansible.builtin.command."""
        out = self._whole[STDOUT].rstrip("\r\n")
        err = self._whole[STDERR].rstrip("\r\n")
        return {
            "stdout": out,
            "stdout_lines": out.splitlines(),
            "stderr": err,
            "stderr_lines": err.splitlines(),
        }

    def last_lines(self) -> list[str]:
        """One reason of a failure; none without output."""
        result = self.as_result()
        lines = (result["stderr_lines"] or result["stdout_lines"])[-_LAST_LINES:]
        if not lines:
            return []
        return ["its last lines:" + "".join(f"\n  {line[:300]}" for line in lines)]


def _pod(api: KubeApi, namespace: str, name: str | None, workload: str | None) -> Object:
    """Exactly one of name and workload is given."""
    if name is not None:
        return _pod_named(api, namespace, name)
    return _ready_pod(api, namespace, t.cast(str, workload))


def _pod_named(api: KubeApi, namespace: str, name: str) -> Object:
    live = {pod["metadata"]["name"]: pod for pod in api.get(pods(namespace))["items"]}
    if name not in live:
        raise InputError(
            f"pod: found {name}{did_you_mean(name, live)}; allowed: a pod of namespace {namespace}"
        )
    return live[name]


def _ready_pod(api: KubeApi, namespace: str, value: str) -> Object:
    """The first ready pod of the workload's newest version.

    :param value: of the option ``workload``.
    """
    live = api.get(pods(namespace))["items"]
    workload = named(api, namespace, "workload", value)
    owners = PodOwners(api, namespace)
    own = [pod for pod in live if owners.workload_of(pod, [workload])]
    ready = [pod for pod in own if _is_ready(pod)]
    if ready:
        return min(ready, key=lambda pod: str(pod["metadata"]["name"]))
    raise ReleaseError(
        f"{workload['kind']} {workload['metadata']['name']} has no ready pod to run the command in.",
        why=[_why_not_ready(pod) for pod in own] or ["it has no pods"],
        then=f"kubectl -n {namespace} get pods",
    )


def _is_ready(pod: Object) -> bool:
    is_ready = conditions(pod).get("Ready", {}).get("status") == "True"
    return is_ready and not pod["metadata"].get("deletionTimestamp")


def _why_not_ready(pod: Object) -> str:
    problem = diagnosis.problem_of(pod)
    if problem:
        return str(problem)
    return f"pod {pod['metadata']['name']}: {diagnosis.unready(pod) or 'not ready'}"


def _container(pod: Object, given: str | None) -> str:
    """As kubectl chooses: the given one, the one that the pod calls its default, the first."""
    names = [item["name"] for item in (pod.get("spec") or {}).get("containers") or []]
    annotations = pod["metadata"].get("annotations") or {}
    default = annotations.get("kubectl.kubernetes.io/default-container") or next(iter(names), "")
    chosen: str = given or default
    if not podspec.container(pod, chosen):
        raise InputError(
            f"container: found {chosen}; allowed: a container of pod {pod['metadata']['name']}, which has: {', '.join(names)}"
        )
    return chosen


OPERATION = Operation(
    {
        **NAMESPACE,
        "command": Option("list", REQUIRED, each=Option("str")),
        "workload": Option("str"),
        "pod": Option("str"),
        "container": Option("str"),
        "stdin": Option("str", secret=True),
        "timeout": Option("int", 60, low=1),
    },
    ExecClient,
    run,
    {"mutually_exclusive": [["workload", "pod"]], "required_one_of": [["workload", "pod"]]},
)
