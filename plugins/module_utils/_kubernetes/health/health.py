# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether the workloads of a namespace are healthy, and the other checks; it only reads."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import Forbidden, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option, did_you_mean
from ..._common.verdict import Reason, Verdict
from ..api.client import ClusterApi
from ..api.options import NAMESPACE
from ..api.port import NODES, KubeApi, Object, budgets, claims, events, pods, replica_sets, secrets, workloads
from ..api.port import WORKLOADS as WORKLOAD_KINDS
from ..diagnosis import node_problems, pod_problems
from ..workload import baseline
from ..workload import status as workload
from . import checks

WORKLOADS = "workloads"
PODS = "pods"
RESTARTS = "restarts"
EVENTS = "events"
VOLUMES = "volumes"
BUDGETS = "budgets"
CERTIFICATES = "certificates"
ALL_NODES = "nodes"
CHECKS = (WORKLOADS, PODS, RESTARTS, EVENTS, VOLUMES, BUDGETS, CERTIFICATES, ALL_NODES)


@dataclasses.dataclass(frozen=True)
class HealthOptions:
    """
    :ivar since: seconds back for which restarts and events count.
    :ivar expire_within: days within which the end of a certificate is a reason.
    """

    namespace: str
    since: int
    restarts_allowed: int
    events_allowed: int
    expire_within: int


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    chosen: list[str] = params["checks"]
    values: dict[str, list[dict[str, t.Any]]] = {WORKLOADS: []}
    reasons: list[Reason] = []
    unknown: dict[str, str] = {}
    existing: list[str] = []
    if WORKLOADS in chosen:
        live = _live(api, params["namespace"], params["kinds"])
        existing = sorted(live)
        names = params["workloads"] or existing
        kind = params["kinds"][0] if len(params["kinds"]) == 1 else "workload"
        reports = _Workloads(api, context, params["namespace"], live)
        values[WORKLOADS] = [reports.report(name, kind) for name in names]
        for report in values[WORKLOADS]:
            reasons += [Reason(report["name"], reason) for reason in report["reasons"]]
    names_of_options = ("namespace", "since", "restarts_allowed", "events_allowed", "expire_within")
    groups = _Groups(api, context, HealthOptions(**{name: params[name] for name in names_of_options}))
    for check in CHECKS[1:]:
        if check in chosen:
            values[check], why, unread = groups.check(check)
            reasons += why
            if unread:
                unknown[check] = unread
    verdict = Verdict(reasons, [Reason(check, text) for check, text in unknown.items()]).as_result()
    return Result(False, values={**verdict, "unknown": unknown, "existing": existing, **values})


class _Groups:
    """One group of checks at a time; pods are read once for all that is seen in them."""

    def __init__(self, api: KubeApi, context: Context, options: HealthOptions) -> None:
        self._api = api
        self._context = context
        self._options = options
        self._pods: list[Object] | None = None

    def check(self, name: str) -> tuple[checks.Entries, list[Reason], str]:
        """The entries, the reasons, and why a part of them is not known."""
        all_entries: checks.Entries = []
        reasons: list[Reason] = []
        unknown = ""
        for ask in self._checks_of(name):
            try:
                entries, why = ask()
            except Forbidden as exc:
                unknown = f"{'; '.join(exc.why)} (docs/kubernetes_role_optional.yml holds the rule)"
            except ReleaseError as exc:
                if name != CERTIFICATES:
                    raise
                # The API server answers, only not to a connection of this kind (a proxy between).
                unknown = str(exc)
            else:
                all_entries += entries
                reasons += why
        return all_entries, reasons, unknown

    def _checks_of(self, name: str) -> list[t.Callable[[], checks.Found]]:
        options = self._options
        warnings = f"{events(options.namespace)}?fieldSelector=type%3DWarning"
        tls = f"{secrets(options.namespace)}?fieldSelector=type%3Dkubernetes.io%2Ftls"
        now, since = self._api.time, options.since
        known: dict[str, list[t.Callable[[], checks.Found]]] = {
            PODS: [lambda: checks.pods(self._all_pods(), now())],
            RESTARTS: [lambda: checks.restarts(self._all_pods(), now(), since, options.restarts_allowed)],
            EVENTS: [lambda: checks.events(self._items(warnings), now(), since, options.events_allowed)],
            VOLUMES: [lambda: checks.volumes(self._items(claims(options.namespace)))],
            BUDGETS: [lambda: checks.budgets(self._items(budgets(options.namespace)))],
            CERTIFICATES: [
                lambda: checks.api_server(self._api.certificate(), now(), options.expire_within),
                lambda: checks.certificates(self._items(tls), now(), options.expire_within),
            ],
            ALL_NODES: [lambda: node_problems.nodes(self._items(NODES))],
        }
        return known[name]

    def _items(self, path: str) -> list[Object]:
        return t.cast("list[Object]", self._api.get(path)["items"])

    def _all_pods(self) -> list[Object]:
        if self._pods is None:
            self._pods = self._items(pods(self._options.namespace))
            for pod in self._pods:
                # The last words of a container are shown.
                self._context.redact.learn_from(pod_problems.secrets_of(pod))
        return self._pods


def _live(api: KubeApi, namespace: str, kinds: t.Sequence[str]) -> dict[str, Object]:
    """The workloads by name; of two of one name the first kind counts."""
    live: dict[str, Object] = {}
    for kind in reversed(kinds):
        live.update(workload.by_name(api.get(workloads(kind, namespace)), kind))
    return live


class _Workloads:
    """Reports of workloads. Pods and ReplicaSets are read only where something is to be explained."""

    def __init__(self, api: KubeApi, context: Context, namespace: str, live: t.Mapping[str, Object]) -> None:
        self._api = api
        self._context = context
        self._namespace = namespace
        self._live = live
        self._problems: dict[str, list[str]] | None = None

    def report(self, name: str, kind: str) -> dict[str, t.Any]:
        """
        :param kind: what a name that no workload has is called.
        """
        obj = self._live.get(name)
        if obj is None:
            existing = ", ".join(sorted(self._live)) or "none"
            missing = (
                f"there is no {kind} of this name{did_you_mean(name, self._live)}; there are: {existing}"
            )
            return {"name": name, "exists": False, "healthy": False, "reasons": [missing]}
        now, status = workload.status(obj), obj.get("status") or {}
        is_ready = now.state == workload.READY
        return {
            "name": name,
            "kind": obj["kind"],
            "exists": True,
            "healthy": is_ready,
            "reasons": [] if is_ready else [now.text, *self._problems_of(name)],
            "images": workload.images(obj),
            "replicas": obj["spec"].get("replicas", status.get("desiredNumberScheduled", 1)),
            "available": status.get("availableReplicas", status.get("numberAvailable", 0)),
            "revision": workload.revision(obj),
            "release": baseline.release_of(obj),
        }

    def _problems_of(self, name: str) -> list[str]:
        if self._problems is None:
            self._problems = self._read_problems()
        return self._problems.get(name, [])

    def _read_problems(self) -> dict[str, list[str]]:
        names = self._names_of_owners()
        found: dict[str, list[str]] = {}
        for pod in self._api.get(pods(self._namespace))["items"]:
            problem = pod_problems.problem_of(pod)
            name = next((names[uid] for uid in _controllers(pod) if uid in names), "")
            if problem and name:
                self._context.redact.learn_from(pod_problems.secrets_of(pod))
                found.setdefault(name, []).append(str(problem))
        return found

    def _names_of_owners(self) -> dict[str, str]:
        """Names of workloads by the UIDs of what owns their pods: themselves, and ReplicaSets."""
        names = {obj["metadata"]["uid"]: name for name, obj in self._live.items()}
        if any(obj["kind"] == "Deployment" for obj in self._live.values()):
            for item in self._api.get(replica_sets(self._namespace))["items"]:
                of_set = workload.owner(item, "Deployment")
                if of_set and of_set["uid"] in names:
                    names[item["metadata"]["uid"]] = names[of_set["uid"]]
        return names


def _controllers(pod: Object) -> list[str]:
    owners = pod["metadata"].get("ownerReferences") or []
    return [reference["uid"] for reference in owners if reference.get("controller")]


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
