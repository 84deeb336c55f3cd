# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether the workloads of a namespace are well, and what else is asked for: reads, changes nothing."""

from __future__ import annotations

import typing as t

from ..._common.errors import Forbidden, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option, did_you_mean
from ..api.client import ClusterApi
from ..api.options import NAMESPACE
from ..api.port import NODES, KubeApi, Object, budgets, claims, events, pods, replica_sets, secrets, workloads
from ..api.port import WORKLOADS as WORKLOAD_KINDS
from ..diagnosis import node_problems
from ..diagnosis import pod_problems as diagnosis
from ..workload import baseline
from ..workload import status as workload
from . import checks as groups

WORKLOADS, PODS, RESTARTS, EVENTS, VOLUMES, BUDGETS, CERTIFICATES, ALL_NODES = CHECKS = (
    "workloads",
    "pods",
    "restarts",
    "events",
    "volumes",
    "budgets",
    "certificates",
    "nodes",
)


def run(api: KubeApi, context: Context) -> Result:
    checks: list[str] = context.params["checks"]
    values: dict[str, list[dict[str, t.Any]]] = {WORKLOADS: []}
    reasons: list[str] = []
    unknown: dict[str, str] = {}
    existing: list[str] = []
    if WORKLOADS in checks:
        live = _live(api, context.params["namespace"], context.params["kinds"])
        existing = sorted(live)
        values["workloads"] = _workloads(api, context, live)
        reasons += [
            f"{report['name']}: {reason}" for report in values["workloads"] for reason in report["reasons"]
        ]
    look = _Look(api, context)
    for check in CHECKS[1:]:
        if check not in checks:
            continue
        values[check] = []
        for group in look.of(check):
            try:
                found, why = group()
            except Forbidden as exc:
                unknown[check] = f"{'; '.join(exc.why)} (docs/kubernetes_role_optional.yml holds the rule)"
            except ReleaseError as exc:
                if check != CERTIFICATES:
                    raise
                unknown[check] = str(
                    exc
                )  # the API server answers, only not to a connection of this kind (a proxy between)
            else:
                values[check] += found
                reasons += why
    summary = {"healthy": not reasons, "reasons": reasons, "unknown": unknown, "existing": existing}
    return Result(False, values={**summary, **values})


class _Look:
    """One group at a time; pods are read once for all that is seen in them."""

    def __init__(self, api: KubeApi, context: Context) -> None:
        self._api, self._context, self._namespace = api, context, context.params["namespace"]
        self._pods: list[Object] | None = None

    def of(self, check: str) -> list[t.Callable[[], groups.Found]]:
        params, namespace = self._context.params, self._namespace
        known: dict[str, list[t.Callable[[], groups.Found]]] = {
            PODS: [lambda: groups.pods(self._all_pods(), self._api.time())],
            RESTARTS: [
                lambda: groups.restarts(
                    self._all_pods(), self._api.time(), params["since"], params["restarts_allowed"]
                )
            ],
            EVENTS: [
                lambda: groups.events(
                    self._items(f"{events(namespace)}?fieldSelector=type%3DWarning"),
                    self._api.time(),
                    params["since"],
                    params["events_allowed"],
                )
            ],
            VOLUMES: [lambda: groups.volumes(self._items(claims(namespace)))],
            BUDGETS: [lambda: groups.budgets(self._items(budgets(namespace)))],
            CERTIFICATES: [
                lambda: groups.api_server(self._api.certificate(), self._api.time(), params["expire_within"]),
                lambda: groups.certificates(
                    self._items(f"{secrets(namespace)}?fieldSelector=type%3Dkubernetes.io%2Ftls"),
                    self._api.time(),
                    params["expire_within"],
                ),
            ],
            ALL_NODES: [lambda: node_problems.nodes(self._items(NODES))],
        }
        return known[check]

    def _items(self, path: str) -> list[Object]:
        return t.cast("list[Object]", self._api.get(path)["items"])

    def _all_pods(self) -> list[Object]:
        if self._pods is None:
            self._pods = self._items(pods(self._namespace))
            for pod in self._pods:
                self._context.redact.learn_from(
                    diagnosis.secrets_of(pod)
                )  # a container's last words are told
        return self._pods


def _live(api: KubeApi, namespace: str, kinds: t.Sequence[str]) -> dict[str, Object]:
    """The workloads by name; of two of one name the first kind counts."""
    found: dict[str, Object] = {}
    for kind in reversed(kinds):
        found.update(workload.by_name(api.get(workloads(kind, namespace)), kind))
    return found


def _workloads(api: KubeApi, context: Context, there: dict[str, Object]) -> list[dict[str, t.Any]]:
    names, kinds = context.params["workloads"], context.params["kinds"]
    wanted = names or sorted(there)
    unwell = [
        name for name in wanted if name in there and workload.status(there[name]).state != workload.READY
    ]
    # Pods and ReplicaSets are read only where something is to be explained.
    reasons = _reasons(api, context, [there[name] for name in unwell]) if unwell else {}
    return [
        _report(name, there, reasons.get(name, []), kinds[0] if len(kinds) == 1 else "workload")
        for name in wanted
    ]


def _report(name: str, there: dict[str, Object], reasons: list[str], kind: str) -> dict[str, t.Any]:
    thing = there.get(name)
    if thing is None:
        missing = f"there is no {kind} of this name{did_you_mean(name, there)}; there are: {', '.join(sorted(there)) or 'none'}"
        return {"name": name, "exists": False, "healthy": False, "reasons": [missing]}
    now, status = workload.status(thing), thing.get("status") or {}
    return {
        "name": name,
        "kind": thing["kind"],
        "exists": True,
        "healthy": now.state == workload.READY,
        "reasons": [] if now.state == workload.READY else [now.text, *reasons],
        "images": workload.images(thing),
        "replicas": thing["spec"].get("replicas", status.get("desiredNumberScheduled", 1)),
        "available": status.get("availableReplicas", status.get("numberAvailable", 0)),
        "revision": workload.revision(thing),
        "release": baseline.release_of(thing),
    }


def _reasons(api: KubeApi, context: Context, unwell: list[Object]) -> dict[str, list[str]]:
    namespace, found = context.params["namespace"], dict[str, list[str]]()
    names = {thing["metadata"]["uid"]: thing["metadata"]["name"] for thing in unwell}
    if any(thing["kind"] == "Deployment" for thing in unwell):
        for item in api.get(replica_sets(namespace))["items"]:
            of_set = workload.owner(item, "Deployment")
            if of_set and of_set["uid"] in names:
                names[item["metadata"]["uid"]] = names[of_set["uid"]]
    for pod in api.get(pods(namespace))["items"]:
        owners = [
            reference["uid"]
            for reference in pod["metadata"].get("ownerReferences") or []
            if reference.get("controller")
        ]
        said = diagnosis.problem_of(pod)
        if said and owners and owners[0] in names:
            context.redact.learn_from(diagnosis.secrets_of(pod))
            found.setdefault(names[owners[0]], []).append(str(said))
    return found


OPERATION = Operation(
    {
        **NAMESPACE,
        "checks": Option("list", [WORKLOADS], each=Option("str", choices=list(CHECKS))),
        "workloads": Option("list", each=Option("str")),
        "kinds": Option("list", ["Deployment"], each=Option("str", choices=list(WORKLOAD_KINDS))),
        "since": Option("int", 3600, low=1),
        "restarts_allowed": Option("int", 0, low=0),
        "events_allowed": Option("int", 0, low=0),
        "expire_within": Option("int", 30, low=0),
    },
    ClusterApi,
    run,
)
