# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from ansible_collections.runbook.release.plugins.module_utils._common.errors import Forbidden, Unavailable
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.health import health

from ..cluster import PODS, Cluster, context, crashing, image

GIVEN = {
    "checks": ["workloads"],
    "workloads": None,
    "kinds": ["Deployment"],
    "since": 3600,
    "restarts_allowed": 0,
    "events_allowed": 0,
    "expire_within": 30,
}


class Server(Cluster):
    """Refuses what it was told to refuse; everything else that is asked for is empty."""

    def __init__(self, services, *refused):
        super().__init__(services)
        self.refused = refused

    def get(self, path):
        if path.partition("?")[0].rsplit("/", 1)[1] in self.refused:
            raise Forbidden("The API server refused.", why=["nodes is forbidden"])
        try:
            return super().get(path)
        except KeyError:
            return {"metadata": {"resourceVersion": "1"}, "items": []}

    def certificate(self):
        raise Unavailable("no connection of this kind")


def looked(server, **params):
    return health.run(server, context(server, {**GIVEN, **params})[0]).values


def test_the_default_reads_deployments_only_and_pods_where_one_is_unwell():
    server = Server(["auth", "wallet"])
    found = looked(server)
    assert (
        found["healthy"]
        and [report["name"] for report in found["workloads"]] == ["auth", "wallet"]
        and found["unknown"] == {}
    )
    assert [path.rsplit("/", 1)[1] for _method, path in server.requests] == ["deployments"]
    assert set(found) == {"existing", "findings", "healthy", "reasons", "unknown", "verdict", "workloads"}


def test_what_is_unwell_is_told_with_the_trouble_of_its_pods():
    server = Server(["wallet"])
    server.bad[image("wallet", "1.0.0")] = crashing()
    server.deployments["wallet"]["status"]["updatedReplicas"] = 1
    server._pod("wallet", "wallet-1.0.0", image("wallet", "1.0.0"))
    found = looked(server, workloads=["wallet", "walet"])
    assert not found["healthy"] and "container wallet: CrashLoopBackOff, exit code 3" in found["reasons"][1]
    assert (
        found["reasons"][-1]
        == "walet: there is no Deployment of this name (did you mean wallet?); there are: wallet"
    )


def test_what_may_not_be_read_is_unknown_and_no_failure():
    found = looked(Server(["auth"], "nodes"), checks=["nodes", "volumes"])
    assert found["healthy"] and found["workloads"] == [] and found["volumes"] == [] and found["nodes"] == []
    assert (
        list(found["unknown"]) == ["nodes"]
        and "nodes is forbidden (docs/kubernetes_role_optional.yml" in found["unknown"]["nodes"]
    )


def test_a_certificate_of_the_api_server_that_cannot_be_looked_at_leaves_those_of_secrets():
    server = Server(["auth"])
    found = looked(server, checks=["certificates"])
    assert "no connection of this kind" in found["unknown"]["certificates"] and found["certificates"] == []
    assert any(
        "secrets?fieldSelector=type%3Dkubernetes.io%2Ftls" in path for _method, path in server.requests
    )


def test_pods_are_read_once_for_all_that_is_seen_in_them():
    server = Server(["auth"])
    looked(server, checks=["pods", "restarts"])
    assert [path for _method, path in server.requests] == [PODS]
