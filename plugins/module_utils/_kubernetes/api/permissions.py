# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether the credentials may do what a release needs: reviewed before
anything changes, and reported as the rules to add.
"""

from __future__ import annotations

import typing as t

from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from .client import ClusterApi
from .options import NAMESPACE
from .port import KubeApi

REVIEWS = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class Need(t.NamedTuple):
    """One rule of RBAC: ``reads`` are what check mode needs, too."""

    group: str
    resource: str
    reads: tuple[str, ...]
    writes: tuple[str, ...] = ()


# Every request that the collection makes; docs/kubernetes_role.yml
# is the same as a Role, and a test holds them together.
NEEDS = (
    Need("apps", "deployments", ("list", "watch"), ("patch",)),
    Need("apps", "statefulsets", ("list", "watch"), ("patch",)),
    Need("apps", "daemonsets", ("list", "watch"), ("patch",)),
    Need("apps", "replicasets", ("list",)),
    Need("apps", "controllerrevisions", ("list",)),
    Need("", "pods", ("list", "watch"), ("delete",)),
    Need("", "pods/log", ("get",)),
    Need("", "events", ("list",)),
    Need("", "configmaps", ("get",), ("create", "patch")),
    Need("coordination.k8s.io", "leases", ("get",), ("create", "update")),
)

# What parts need that a release can do without; docs/kubernetes_role_optional.yml is the same.
OPTIONAL = {
    "maintenance": (
        Need("autoscaling", "horizontalpodautoscalers", ("list",), ("patch",)),
        Need("", "pods/proxy", ("get",)),
    ),
    "secrets": (Need("", "secrets", ("get",), ("create", "patch")),),
    "jobs": (
        Need("batch", "jobs", ("list", "watch"), ("create", "delete")),
        Need("batch", "cronjobs", ("list",)),
    ),
    "migrate": (Need("", "secrets", (), ("create",)),),
    # A websocket begins with a GET; from Kubernetes 1.35 on it takes the right to create as well.
    "exec": (Need("", "pods/exec", (), ("get", "create")),),
    "health": (
        Need("", "persistentvolumeclaims", ("list",)),
        Need("policy", "poddisruptionbudgets", ("list",)),
    ),
    "prune": (
        Need("apps", "replicasets", ("list",), ("delete",)),
        Need("batch", "jobs", ("list",), ("delete",)),
        Need("", "configmaps", ("list",), ("delete",)),
        Need("", "secrets", ("list",), ("delete",)),
    ),
    "certificates": (Need("", "secrets", ("list",)),),
    "nodes": (Need("", "nodes", ("list",)),),
}
_OF_THE_CLUSTER = ("nodes",)


def run(api: KubeApi, context: Context) -> Result:
    """Reviews every verb by itself: SelfSubjectRulesReview may be incomplete, says its documentation."""
    params = context.params
    needs = [*NEEDS]
    for part in params["parts"]:
        needs += OPTIONAL[part]
    rules = missing(api, params["namespace"], needs, params["read_only"])
    reasons = [in_words(rule) for rule in rules]
    return Result(False, values={"allowed": not rules, "reasons": reasons, "missing": rules})


def missing(
    api: KubeApi, namespace: str, needs: t.Iterable[Need], read_only: bool = False
) -> list[dict[str, t.Any]]:
    """What may not be done, as rules of RBAC; without a namespace in the whole cluster."""
    rules = []
    for need in needs:
        verbs = need.reads if read_only else (*need.reads, *need.writes)
        refused = [verb for verb in verbs if not _may(api, namespace, need, verb)]
        if refused:
            rules.append({"apiGroups": [need.group], "resources": [need.resource], "verbs": refused})
    return rules


def in_words(rule: dict[str, t.Any]) -> str:
    words = f"{', '.join(rule['verbs'])} {rule['resources'][0]}"
    group = rule["apiGroups"][0]
    return f"{words} ({group})" if group else words


def _may(api: KubeApi, namespace: str, need: Need, verb: str) -> bool:
    resource, slash, subresource = need.resource.partition("/")
    attributes = {
        "namespace": "" if resource in _OF_THE_CLUSTER else namespace,
        "verb": verb,
        "group": need.group,
        "resource": resource,
    }
    if slash:
        attributes["subresource"] = subresource
    body = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    return bool(api.post(REVIEWS, body)["status"].get("allowed"))


OPERATION = Operation(
    {
        **NAMESPACE,
        "read_only": Option("bool", False),
        "parts": Option("list", [], each=Option("str", choices=list(OPTIONAL))),
    },
    ClusterApi,
    run,
)
