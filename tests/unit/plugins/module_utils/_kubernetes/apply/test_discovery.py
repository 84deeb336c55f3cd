# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.discovery import (
    Resource,
    Resources,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply.manifests import Manifest

from ..apiserver import DEFINITION, MARKET, Server


def resources(*manifests):
    server = Server()
    return server, Resources(server, [Manifest("m", body) for body in manifests])


def test_a_group_and_version_is_asked_for_once():
    server, known = resources()
    assert known.find("apps", "v1", "Deployment") == Resource("apps", "v1", "Deployment", "deployments", True)
    assert (
        known.find("apps", "v1", "Nothing") is None
        and known.find("", "v1", "Namespace").collection() == "/api/v1/namespaces"
    )
    assert known.find("apps", "v1", "Deployment").collection("x") == "/apis/apps/v1/namespaces/x/deployments"
    assert len(server.requests) == 2


def test_a_kind_that_is_defined_along_with_it_is_known_and_not_yet_served():
    _server, known = resources(DEFINITION, MARKET)
    found = known.find("example.test", "v1", "Market")
    assert not found.served and found.collection("x") == "/apis/example.test/v1/namespaces/x/markets"


def test_what_is_not_there_is_told_with_what_may_be_meant():
    _server, known = resources()
    said = {
        kind: known.unknown(Manifest("m", {"apiVersion": version, "kind": kind}))
        for version, kind in [("apps/v1", "Deploymnt"), ("apps/v1beta1", "Deployment")]
    }
    assert said["Deploymnt"] == "there is no kind Deploymnt in apps/v1 (did you mean Deployment?)"
    assert said["Deployment"] == "the cluster does not serve Deployment in apps/v1beta1; it does in apps/v1"
    assert "no CustomResourceDefinition of Market is among the manifests" in known.unknown(
        Manifest("m", MARKET)
    )


def test_a_kind_is_found_in_the_version_that_the_server_prefers():
    server, known = resources()
    server.kinds["/apis/apps/v2"] = {"Other": ("others", True)}
    assert (
        known.of_kind("apps", "Deployment").version == "v1"
        and known.of_kind("", "Secret").plural == "secrets"
    )
    assert known.of_kind("gone.test", "Thing") is None
