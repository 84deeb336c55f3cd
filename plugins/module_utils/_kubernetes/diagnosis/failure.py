# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Puts a failed wait into words: what is wrong with which pod,
its last log lines, the warnings about it, where to look next.
"""

from __future__ import annotations

import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context
from ..api.port import NODES, KubeApi, Object, events, pods, replica_sets
from ..workload import status as workload
from . import node_problems
from . import pod_problems as diagnosis

_LOG_LINES = 5


class Finding(t.NamedTuple):
    """What is wrong with one workload, and a pod that shows it; without a pod when it gets none."""

    workload: str
    pod: Object
    trouble: diagnosis.Trouble


def failure(
    api: KubeApi,
    context: Context,
    what: str,
    findings: list[Finding],
    waiting: dict[str, Object],
    known: dict[str, Object] | None = None,
    logs: t.Mapping[str, list[str]] | None = None,
    **details: t.Any,
) -> ReleaseError:
    """
    :param known: the workloads that findings may be about, where those are more than the waiting ones.
    :param findings: the worst first; of several of one workload
        the first is told, and the pods of the others are named.
    :param waiting: the workloads that have not settled; those without a finding are told by their own status.
    :param logs: what is known of the logs already, by pod.
    :param details: further extras of the result.
    """
    for finding in findings:
        context.redact.learn_from(diagnosis.secrets_of(finding.pod))
    by_workload: dict[str, list[Finding]] = {}
    for finding in findings:
        by_workload.setdefault(finding.workload, []).append(finding)
    things = {**(known or {}), **waiting}
    seen = _Seen(api, context.params["namespace"], things)
    why = [_text(api, context, found, seen, logs or {}) for found in by_workload.values()]
    untold = {name: thing for name, thing in waiting.items() if name not in by_workload}
    why += [
        f"{name}: {workload.status(thing).text}" + _indented("warning: ", seen.of_workload(name))
        for name, thing in untold.items()
    ]
    failures = [
        {
            "workload": name,
            "pod": trouble.pod,
            "container": trouble.container,
            "reason": trouble.reason,
            "exit_code": trouble.exit_code,
        }
        for name, trouble in ((name, found[0].trouble) for name, found in by_workload.items())
    ]
    then = _command(context.params["namespace"], findings, next(iter(waiting), ""), things)
    return ReleaseError(what, why=why, then=then, failures=failures, **details)


def _text(
    api: KubeApi, context: Context, found: list[Finding], seen: _Seen, logs: t.Mapping[str, list[str]]
) -> str:
    first = found[0]
    text = f"{first.workload}: {first.trouble}"
    others = [finding.trouble.pod for finding in found[1:] if finding.trouble.pod]
    text += f"\n  and {len(others)} more of its pods: {', '.join(others)}" if others else ""
    warnings = [*seen.of_pod(first.trouble.pod), *seen.of_workload(first.workload)]
    text += _indented("warning: ", [line for line in warnings if not diagnosis.told_by(first.trouble, line)])
    text += _indented("", seen.of_node(diagnosis.node_of(first.pod)))
    lines = logs[first.trouble.pod][-_LOG_LINES:] if first.trouble.pod in logs else _log(api, context, first)
    return text + (f"\n  last log lines:{_indented('  ', lines)}" if lines else "")


def _indented(before: str, lines: list[str]) -> str:
    return "".join(f"\n  {before}{line}" for line in lines)


class _Seen:
    """The warnings of the namespace; read once, and the
    ReplicaSets only where a workload's own warnings are asked for.

    Whatever cannot be read is left out: the failure is told all the same.
    """

    def __init__(self, api: KubeApi, namespace: str, things: dict[str, Object]) -> None:
        self._api, self._namespace, self._things = api, namespace, things
        self._warnings = self._items(f"{events(namespace)}?fieldSelector=type%3DWarning")
        self._sets: list[Object] | None = None
        self._nodes: dict[str, list[str]] = {}

    def of_pod(self, name: str) -> list[str]:
        return diagnosis.last_warnings(self._warnings, name)

    def of_workload(self, name: str) -> list[str]:
        """About the workload and what makes its pods: a quota or
        an admission webhook that refuses them is told there only.
        """
        thing = self._things.get(name)
        if thing is None:
            return []
        found = diagnosis.last_warnings(self._warnings, name, kind=thing["kind"])
        if thing["kind"] != "Deployment":
            return found  # it makes its pods itself
        if self._sets is None:
            self._sets = self._items(replica_sets(self._namespace)) if self._warnings else []
        newest = workload.current_replica_set(thing, self._sets)
        return found + (
            diagnosis.last_warnings(self._warnings, newest["metadata"]["name"], 1, "ReplicaSet")
            if newest
            else []
        )

    def of_node(self, name: str) -> list[str]:
        """What is wrong with the node, where the account may read nodes."""
        if name and name not in self._nodes:
            path = f"{NODES}?fieldSelector=metadata.name%3D{name}"
            self._nodes[name] = node_problems.nodes(self._items(path))[1]
        return self._nodes.get(name, [])

    def _items(self, path: str) -> list[Object]:
        try:
            return t.cast("list[Object]", self._api.get(path)["items"])
        except ReleaseError:
            return []


def _log(api: KubeApi, context: Context, finding: Finding) -> list[str]:
    """The last lines of the container that failed: of the
    instance that ended, where another one runs already.
    """
    said, pod = finding.trouble, finding.pod
    container = next(
        (
            c
            for c in workload.statuses(pod)
            if c["name"] == said.container or (not said.container and not c.get("ready"))
        ),
        None,
    )
    if container is None:
        return []
    # Without `previous` the kubelet gives the last instance that
    # has begun, running or ended; only one dead one is kept.
    ended_before = said.exit_code is not None and "running" in (container.get("state") or {})
    for previous in ("true", "false") if ended_before else ("false",):
        path = f"{pods(context.params['namespace'])}/{said.pod}/log?container={container['name']}&tailLines={_LOG_LINES}&previous={previous}"
        try:
            lines = api.text(path).splitlines()
        except ReleaseError:
            continue  # no such instance (any more): a diagnosis tells what it can get
        if lines and not lines[0].startswith("unable to retrieve container logs"):
            return [context.redact.text(diagnosis.hinted(line[:300])) for line in lines]
    return []


def _command(namespace: str, findings: list[Finding], waiting: str, things: dict[str, Object]) -> str:
    said = findings[0].trouble if findings else None
    if said and said.container and said.exit_code is not None:
        return f"kubectl -n {namespace} logs {said.pod} -c {said.container}"
    if said and said.pod:
        return f"kubectl -n {namespace} describe pod {said.pod}"
    name = findings[0].workload if findings else waiting
    thing = things.get(name, {"kind": "Deployment", "spec": {}})
    what = "rollout resume" if thing["spec"].get("paused") else "describe"
    return f"kubectl -n {namespace} {what} {thing['kind'].lower()} {name}".rstrip()
