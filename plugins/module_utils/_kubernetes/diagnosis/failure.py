# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Puts a failed wait into words: what is wrong with which pod,
its last log lines, the warnings about it, where to read on.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context
from ..api.port import NODES, KubeApi, Object, events, pods, replica_sets
from ..workload import status
from . import node_problems, pod_problems

_LOG_LINES = 5
_LINE_CHARACTERS = 300


class Finding(t.NamedTuple):
    """What is wrong with one workload, and a pod that shows it; without a pod when it gets none."""

    workload: str
    pod: Object
    problem: pod_problems.PodProblem


@dataclasses.dataclass(frozen=True)
class Situation:
    """
    :ivar findings: the worst first; of several of one workload the
        first is reported, and the pods of the others are named.
    :ivar waiting: workloads that are not ready; those without a finding are reported by their own status.
    :ivar known: the workloads that findings may be about, where those are more than the waiting ones.
    :ivar logs: what is known of the logs already, by pod.
    """

    findings: t.Sequence[Finding]
    waiting: t.Mapping[str, Object]
    known: t.Mapping[str, Object] = dataclasses.field(default_factory=dict)
    logs: t.Mapping[str, list[str]] = dataclasses.field(default_factory=dict)

    def by_workload(self) -> dict[str, list[Finding]]:
        by_workload: dict[str, list[Finding]] = {}
        for finding in self.findings:
            by_workload.setdefault(finding.workload, []).append(finding)
        return by_workload

    def workload(self, name: str) -> Object | None:
        return self.waiting.get(name) or self.known.get(name)


def failure(
    api: KubeApi, context: Context, namespace: str, what: str, situation: Situation, **details: t.Any
) -> ReleaseError:
    """
    :param details: further extras of the result.
    """
    for finding in situation.findings:
        context.redact.learn_from(pod_problems.secrets_of(finding.pod))
    evidence = _Evidence(api, context, namespace, situation)
    by_workload = situation.by_workload()
    why = [_text(findings, evidence) for findings in by_workload.values()]
    for name, workload in situation.waiting.items():
        if name not in by_workload:
            warnings = _indented("warning: ", evidence.about_workload(name))
            why.append(f"{name}: {status.status(workload).text}{warnings}")
    failures = [_as_result(findings[0]) for findings in by_workload.values()]
    return ReleaseError(what, why=why, then=_next_command(namespace, situation), failures=failures, **details)


def _as_result(finding: Finding) -> dict[str, t.Any]:
    problem = finding.problem
    return {
        "workload": finding.workload,
        "pod": problem.pod,
        "container": problem.container,
        "reason": problem.reason,
        "exit_code": problem.exit_code,
    }


def _text(findings: t.Sequence[Finding], evidence: _Evidence) -> str:
    first = findings[0]
    text = f"{first.workload}: {first.problem}"
    others = [finding.problem.pod for finding in findings[1:] if finding.problem.pod]
    if others:
        text += f"\n  and {len(others)} more of its pods: {', '.join(others)}"
    warnings = [*evidence.about_pod(first.problem.pod), *evidence.about_workload(first.workload)]
    news = [line for line in warnings if not pod_problems.repeats(first.problem, line)]
    text += _indented("warning: ", news)
    text += _indented("", evidence.about_node(pod_problems.node_of(first.pod)))
    lines = evidence.last_log_lines(first)
    return text + (f"\n  last log lines:{_indented('  ', lines)}" if lines else "")


def _indented(before: str, lines: t.Iterable[str]) -> str:
    return "".join(f"\n  {before}{line}" for line in lines)


class _Evidence:
    """What else may explain a failure: events, nodes, logs. Events are read
    once, ReplicaSets only where a workload's own warnings are shown.

    Whatever cannot be read is left out: the failure is reported all the same.
    """

    def __init__(self, api: KubeApi, context: Context, namespace: str, situation: Situation) -> None:
        self._api = api
        self._context = context
        self._namespace = namespace
        self._situation = situation
        self._warnings = self._items(f"{events(namespace)}?fieldSelector=type%3DWarning")
        self._replica_sets: list[Object] | None = None
        self._nodes: dict[str, list[str]] = {}

    def about_pod(self, name: str) -> list[str]:
        return pod_problems.last_warnings(self._warnings, name)

    def about_workload(self, name: str) -> list[str]:
        """About the workload and what makes its pods: a quota or an admission
        webhook that refuses them is reported there only.
        """
        workload = self._situation.workload(name)
        if workload is None:
            return []
        warnings = pod_problems.last_warnings(self._warnings, name, kind=workload["kind"])
        if workload["kind"] != "Deployment":
            return warnings  # it makes its pods itself
        if self._replica_sets is None:
            self._replica_sets = self._items(replica_sets(self._namespace)) if self._warnings else []
        newest = status.current_replica_set(workload, self._replica_sets)
        if newest:
            name_of_set = newest["metadata"]["name"]
            warnings = warnings + pod_problems.last_warnings(self._warnings, name_of_set, 1, "ReplicaSet")
        return warnings

    def about_node(self, name: str) -> list[str]:
        """What is wrong with the node, where the account may read nodes."""
        if name and name not in self._nodes:
            path = f"{NODES}?fieldSelector=metadata.name%3D{name}"
            reasons = node_problems.nodes(self._items(path))[1]
            self._nodes[name] = [str(reason) for reason in reasons]
        return self._nodes.get(name, [])

    def last_log_lines(self, finding: Finding) -> list[str]:
        """Of the container that failed: of the instance that ended, where another one runs already."""
        problem = finding.problem
        if problem.pod in self._situation.logs:
            return self._situation.logs[problem.pod][-_LOG_LINES:]
        container = _failed_container(finding)
        if container is None:
            return []
        # Without `previous` the kubelet gives the last instance that
        # has begun, running or ended; only one dead one is kept.
        ended_before = problem.exit_code is not None and "running" in (container.get("state") or {})
        for previous in ("true", "false") if ended_before else ("false",):
            query = f"container={container['name']}&tailLines={_LOG_LINES}&previous={previous}"
            try:
                text = self._api.text(f"{pods(self._namespace)}/{problem.pod}/log?{query}")
            except ReleaseError:
                continue  # no such instance (any more): a diagnosis reports what it can get
            lines = text.splitlines()
            if lines and not lines[0].startswith("unable to retrieve container logs"):
                return [self._shown(line) for line in lines]
        return []

    def _shown(self, line: str) -> str:
        return self._context.redact.text(pod_problems.with_hint(line[:_LINE_CHARACTERS]))

    def _items(self, path: str) -> list[Object]:
        try:
            return t.cast("list[Object]", self._api.get(path)["items"])
        except ReleaseError:
            return []


def _failed_container(finding: Finding) -> Object | None:
    named = finding.problem.container
    for container in status.statuses(finding.pod):
        if container["name"] == named or (not named and not container.get("ready")):
            return container
    return None


def _next_command(namespace: str, situation: Situation) -> str:
    first = situation.findings[0] if situation.findings else None
    if first and first.problem.container and first.problem.exit_code is not None:
        return f"kubectl -n {namespace} logs {first.problem.pod} -c {first.problem.container}"
    if first and first.problem.pod:
        return f"kubectl -n {namespace} describe pod {first.problem.pod}"
    name = first.workload if first else next(iter(situation.waiting), "")
    workload = situation.workload(name) or {"kind": "Deployment", "spec": {}}
    verb = "rollout resume" if workload["spec"].get("paused") else "describe"
    return f"kubectl -n {namespace} {verb} {workload['kind'].lower()} {name}".rstrip()
