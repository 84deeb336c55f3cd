# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs a command in a pod that runs already, and tells what it says while it runs."""

from __future__ import annotations

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


def run(api: ExecApi, context: Context) -> Result:
    params = context.params
    pod = _pod(api, params)
    container = _container(pod, params["container"])
    name = pod["metadata"]["name"]
    told: dict[str, t.Any] = {"cmd": params["command"], "pod": name, "container": container}
    if context.check_mode:
        # As ansible.builtin.command does: what it would do is not
        # known. A task that only reads sets check_mode: false.
        return Result(
            True,
            values={**told, "rc": 0, "skipped": True, "msg": "Command would have run if not in check mode"},
        )
    context.redact.learn_from(diagnosis.secrets_of(pod))
    began = context.clock.now()
    query = [
        ("container", container),
        ("stdout", "1"),
        ("stderr", "1"),
        *([("stdin", "1")] if params["stdin"] is not None else []),
    ]
    path = f"{pods(params['namespace'])}/{name}/exec?" + urllib.parse.urlencode(
        [*query, *(("command", word) for word in params["command"])]
    )
    said, status = _Said(context, name), ""
    where = f"in pod {name}, container {container}"
    try:
        for channel, text in api.execute(path, params["stdin"], params["timeout"]):
            if channel == STATUS:
                status += text
            else:
                said.add(channel, text)
    except TimeoutError as exc:
        raise ReleaseError(
            f"The command did not end within {params['timeout']} s {where}.",
            why=[f"it runs: {_words(params)}", *_last(said)],
            done="the connection was closed; the command may go on in the container, which only its pod can end",
            then=f"kubectl -n {params['namespace']} delete pod {name} ends it, or set a longer timeout",
            changed=True,
            **told,
            **said.told(),
            rc=None,
        ) from exc
    finally:
        said.flush()
    code, why = exit_code(status)
    told.update(said.told(), rc=code, delta=round(context.clock.now() - began, 2))
    if code != 0:
        what = (
            f"The command ended with exit code {code} {where}."
            if code is not None
            else f"The command could not be run {where}."
        )
        then = f"kubectl -n {params['namespace']} exec {name} -c {container} -- {_words(params)}"
        raise ReleaseError(
            what,
            why=[*([why] if code is None else []), f"it ran: {_words(params)}", *_last(said)],
            then=then,
            changed=True,
            **told,
        )
    return Result(True, values=told)


def exit_code(status: str) -> tuple[int | None, str]:
    """What the kubelet tells at the end: 0 for Success, the
    code of a command that failed, None where it never ran.
    """
    try:
        told = json.loads(status)
    except ValueError:
        return None, "the connection ended before the command did; it may have run, and may still run"
    if told.get("status") == "Success":
        return 0, ""
    for cause in (told.get("details") or {}).get("causes") or []:
        if cause.get("reason") == "ExitCode":
            return int(cause["message"]), ""
    return None, str(told.get("message", ""))


class _Said:
    """Both outputs: shown line by line as they come, and kept whole."""

    def __init__(self, context: Context, pod: str) -> None:
        self._context, self._pod = context, pod
        self._whole = {STDOUT: "", STDERR: ""}
        self._open = {STDOUT: "", STDERR: ""}

    def add(self, channel: int, text: str) -> None:
        self._whole[channel] += text
        *lines, self._open[channel] = (self._open[channel] + text).split("\n")
        for line in lines:
            self._context.say(f"{self._pod} | {line}")

    def flush(self) -> None:
        for channel, line in self._open.items():
            if line:
                self._context.say(f"{self._pod} | {line}")
            self._open[channel] = ""

    def told(self) -> dict[str, t.Any]:
        """In the words of ansible.builtin.command."""
        out, err = self._whole[STDOUT].rstrip("\r\n"), self._whole[STDERR].rstrip("\r\n")
        return {
            "stdout": out,
            "stdout_lines": out.splitlines(),
            "stderr": err,
            "stderr_lines": err.splitlines(),
        }


def _words(params: dict[str, t.Any]) -> str:
    return shlex.join(params["command"])


def _last(said: _Said, count: int = 5) -> list[str]:
    told = said.told()
    lines = (told["stderr_lines"] or told["stdout_lines"])[-count:]
    return ["its last lines:" + "".join(f"\n  {line[:300]}" for line in lines)] if lines else []


def _pod(api: KubeApi, params: dict[str, t.Any]) -> Object:
    """The pod of that name, or the first ready one of the workload's newest version."""
    namespace = params["namespace"]
    there = {pod["metadata"]["name"]: pod for pod in api.get(pods(namespace))["items"]}
    if params["pod"] is not None:
        if params["pod"] not in there:
            raise InputError(
                f"pod: found {params['pod']}{did_you_mean(params['pod'], there)}; allowed: a pod of namespace {namespace}"
            )
        return there[params["pod"]]
    thing = named(api, namespace, "workload", params["workload"])
    revisions = PodOwners(api, namespace)
    own = [pod for pod in there.values() if revisions.workload_of(pod, [thing])]
    ready = [
        pod
        for pod in own
        if conditions(pod).get("Ready", {}).get("status") == "True"
        and not pod["metadata"].get("deletionTimestamp")
    ]
    if ready:
        return min(ready, key=lambda pod: str(pod["metadata"]["name"]))
    called = f"{thing['kind']} {thing['metadata']['name']}"
    why = [
        str(
            diagnosis.problem_of(pod)
            or f"pod {pod['metadata']['name']}: {diagnosis.unready(pod) or 'not ready'}"
        )
        for pod in own
    ]
    raise ReleaseError(
        f"{called} has no ready pod to run the command in.",
        why=why or ["it has no pods"],
        then=f"kubectl -n {namespace} get pods",
    )


def _container(pod: Object, container: str | None) -> str:
    """As kubectl chooses: the one asked for, the one that the pod calls its default, the first."""
    names = [item["name"] for item in (pod.get("spec") or {}).get("containers") or []]
    wanted = (
        container
        or (pod["metadata"].get("annotations") or {}).get("kubectl.kubernetes.io/default-container")
        or (names[0] if names else "")
    )
    if not podspec.container(pod, wanted):
        raise InputError(
            f"container: found {wanted}; allowed: a container of pod {pod['metadata']['name']}, which has: {', '.join(names)}"
        )
    return t.cast(str, wanted)


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
