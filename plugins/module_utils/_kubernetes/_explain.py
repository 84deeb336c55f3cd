# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Puts a failed wait into words: what is wrong with which pod, its last log lines, the warnings about it, where to look next."""

from __future__ import annotations

import typing as t

from .._common._errors import ReleaseError
from .._common._operation import Context
from . import _diagnosis as diagnosis
from . import _workload as workload
from ._port import KubeApi, Object, events, pods

_LOG_LINES = 5


class Finding(t.NamedTuple):
    """What is wrong with one workload, and the pod that shows it."""

    workload: str
    pod: Object
    trouble: diagnosis.Trouble


def failure(api: KubeApi, context: Context, what: str, findings: list[Finding], waiting: dict[str, Object]) -> ReleaseError:
    """
    :param waiting: the Deployments that have not settled; those without a finding are told by their own status.
    """
    warnings = _warnings(api, context) if findings else []
    why = [_text(api, context, finding, warnings) for finding in findings]
    found = {finding.workload for finding in findings}
    why += [f"{name}: {workload.status(thing).text}" for name, thing in waiting.items() if name not in found]
    failures = [
        {"workload": name, "pod": said.pod, "container": said.container, "reason": said.reason, "exit_code": said.exit_code} for name, _pod, said in findings
    ]
    return ReleaseError(what, why=why, then=_command(context.params["namespace"], findings, waiting), failures=failures)


def _text(api: KubeApi, context: Context, finding: Finding, warnings: list[Object]) -> str:
    text = f"{finding.workload}: {finding.trouble}"
    text += "".join(f"\n  warning: {line}" for line in diagnosis.last_warnings(warnings, finding.trouble.pod))
    lines = _log(api, context, finding)
    return text + ("\n  last log lines:" + "".join(f"\n    {line}" for line in lines) if lines else "")


def _log(api: KubeApi, context: Context, finding: Finding) -> list[str]:
    """The last lines of the container that failed: of the instance that ended, where another one runs already."""
    said, pod = finding.trouble, finding.pod
    status = pod.get("status") or {}
    containers = [*(status.get("initContainerStatuses") or []), *(status.get("containerStatuses") or [])]
    container = next((c for c in containers if c["name"] == said.container or (not said.container and not c.get("ready"))), None)
    if container is None:
        return []
    context.redact.learn_from(diagnosis.secrets_of(pod))
    # Without `previous` the kubelet gives the last instance that has begun, running or ended; only one dead one is kept.
    ended_before = said.exit_code is not None and "running" in (container.get("state") or {})
    for previous in ("true", "false") if ended_before else ("false",):
        path = f"{pods(context.params['namespace'])}/{said.pod}/log?container={container['name']}&tailLines={_LOG_LINES}&previous={previous}"
        try:
            lines = api.text(path).splitlines()
        except ReleaseError:
            continue  # no such instance (any more): a diagnosis tells what it can get
        if lines and not lines[0].startswith("unable to retrieve container logs"):
            return [context.redact.text(line[:300]) for line in lines]
    return []


def _warnings(api: KubeApi, context: Context) -> list[Object]:
    try:
        return t.cast("list[Object]", api.get(f"{events(context.params['namespace'])}?fieldSelector=type%3DWarning")["items"])
    except ReleaseError:
        return []  # without them the failure is told all the same


def _command(namespace: str, findings: list[Finding], waiting: dict[str, Object]) -> str:
    if not findings:
        name, thing = next(iter(waiting.items()), ("", {"kind": "Deployment"}))
        return f"kubectl -n {namespace} describe {thing['kind'].lower()} {name}".rstrip()
    said = findings[0].trouble
    if said.container and said.exit_code is not None:
        return f"kubectl -n {namespace} logs {said.pod} -c {said.container}"
    return f"kubectl -n {namespace} describe pod {said.pod}"
