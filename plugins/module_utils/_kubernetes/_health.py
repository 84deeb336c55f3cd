# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether the workloads of a namespace are well: reads, changes nothing."""

from __future__ import annotations

import typing as t

from .._common._operation import Context, Result
from .._common._schema import like
from . import _baseline as baseline
from . import _diagnosis as diagnosis
from . import _workload as workload
from ._port import KubeApi, Object, deployments, pods, replica_sets


def run(api: KubeApi, context: Context) -> Result:
    namespace, names = context.params["namespace"], context.params["workloads"]
    there = workload.by_name(api.get(deployments(namespace)))
    wanted = names or sorted(there)
    unwell = [name for name in wanted if name in there and workload.status(there[name]).state != workload.READY]
    # Pods and ReplicaSets are read only where something is to be explained.
    reasons = _reasons(api, namespace, [there[name] for name in unwell]) if unwell else {}
    reports = [_report(name, there, reasons.get(name, [])) for name in wanted]
    problems = [f"{report['name']}: {reason}" for report in reports for reason in report["reasons"]]
    return Result(False, values={"healthy": not problems, "reasons": problems, "workloads": reports})


def _report(name: str, there: dict[str, Object], reasons: list[str]) -> dict[str, t.Any]:
    thing = there.get(name)
    if thing is None:
        missing = f"there is no Deployment of this name{like(name, there)}; there are: {', '.join(sorted(there)) or 'none'}"
        return {"name": name, "exists": False, "healthy": False, "reasons": [missing]}
    now, status = workload.status(thing), thing.get("status") or {}
    return {
        "name": name,
        "exists": True,
        "healthy": now.state == workload.READY,
        "reasons": [] if now.state == workload.READY else [now.text, *reasons],
        "images": workload.images(thing),
        "replicas": thing["spec"].get("replicas", 1),
        "available": status.get("availableReplicas", 0),
        "revision": workload.revision(thing),
        "release": baseline.release_of(thing),
    }


def _reasons(api: KubeApi, namespace: str, unwell: list[Object]) -> dict[str, list[str]]:
    sets = {item["metadata"]["uid"]: item for item in api.get(replica_sets(namespace))["items"]}
    owners = {thing["metadata"]["uid"]: thing["metadata"]["name"] for thing in unwell}
    found: dict[str, list[str]] = {}
    for pod in api.get(pods(namespace))["items"]:
        of_pod = workload.owner(pod, "ReplicaSet")
        of_set = workload.owner(sets[of_pod["uid"]], "Deployment") if of_pod and of_pod["uid"] in sets else None
        said = diagnosis.trouble(pod)
        if of_set and said and of_set["uid"] in owners:
            found.setdefault(owners[of_set["uid"]], []).append(str(said))
    return found
