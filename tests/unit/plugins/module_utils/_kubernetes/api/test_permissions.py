# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from pathlib import Path

import yaml
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api import permissions as access

from ..cluster import Cluster, context

ROLE = Path(__file__).parents[6] / "docs" / "kubernetes_role.yml"
OPTIONAL = ROLE.with_name("kubernetes_role_optional.yml")


class Server:
    """Allows everything but what it was told to refuse."""

    def __init__(self, *refused):
        self.refused, self.asked = refused, []

    def post(self, path, body):
        asked = body["spec"]["resourceAttributes"]
        name = (asked["verb"], "/".join(filter(None, (asked["resource"], asked.get("subresource")))))
        self.asked.append(name)
        assert path == access.REVIEWS and asked["namespace"] == (
            "" if asked["resource"] == "nodes" else "exchange"
        )
        return {"status": {"allowed": name not in self.refused}}


def asked(server, read_only=False, parts=()):
    return access.run(server, context(Cluster([]), {"read_only": read_only, "parts": list(parts)})[0]).values


def test_what_is_missing_is_told_in_words_and_as_rules_to_add():
    told = asked(Server(("patch", "deployments"), ("get", "pods/log")))
    assert not told["allowed"] and told["reasons"] == ["patch deployments (apps)", "get pods/log"]
    assert told["missing"][0] == {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["patch"]}


def test_check_mode_asks_for_reading_only():
    server = Server()
    assert asked(server, read_only=True)["allowed"]
    assert {verb for verb, _resource in server.asked} == {"get", "list", "watch"}


def test_the_documented_role_is_what_is_asked_for():
    documented = {
        (rule["apiGroups"][0], rule["resources"][0]): tuple(rule["verbs"])
        for rule in yaml.safe_load(ROLE.read_text())["rules"]
    }
    assert documented == {(need.group, need.resource): (*need.reads, *need.writes) for need in access.NEEDS}


def test_parts_beyond_a_release_are_asked_for_by_name():
    server = Server(("list", "nodes"), ("create", "pods/exec"))
    assert asked(server)["allowed"] and ("list", "nodes") not in server.asked
    assert asked(server, parts=["jobs", "exec", "nodes"])["reasons"] == ["create pods/exec", "list nodes"]


def test_the_documented_optional_roles_are_the_parts():
    documents = {
        document["metadata"]["name"]: document for document in yaml.safe_load(OPTIONAL.read_text())["items"]
    }
    assert set(documents) == {f"runbook-release-{part}" for part in access.OPTIONAL}
    for part, needs in access.OPTIONAL.items():
        documented = documents[f"runbook-release-{part}"]
        rules = {
            (rule["apiGroups"][0], rule["resources"][0]): tuple(rule["verbs"]) for rule in documented["rules"]
        }
        assert rules == {(need.group, need.resource): (*need.reads, *need.writes) for need in needs}
        assert documented["kind"] == ("ClusterRole" if part == "nodes" else "Role")
