# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Conflict,
    InputError,
    ReleaseError,
)
from ansible_collections.runbook.release.plugins.module_utils._common.owner import identity
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import Event
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply import apply
from ansible_collections.runbook.release.plugins.module_utils._release.lock import LockLost

from ..apiserver import DEFINITION, LEASE, MARKET, Server, config_map, context, path_of

A, B = path_of("ConfigMap", "a"), path_of("ConfigMap", "b")
SPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "new"}}


def applied(server, *manifests, check_mode=False, **params):
    given, lines = context(server, check_mode, manifests=list(manifests), **params)
    return apply.run(server, given), lines


def actions(result):
    return [(item["name"], item["action"]) for item in result.values["objects"]]


def test_everything_is_tried_before_the_first_write():
    server = Server()
    result, lines = applied(server, config_map("a", x="1"), config_map("b", x="1"))
    assert [request for request in server.requests if request[0] in ("DRY", "APPLY")] == [
        ("DRY", A),
        ("DRY", B),
        ("APPLY", A),
        ("APPLY", B),
    ]
    assert result.changed and actions(result) == [("a", "created"), ("b", "created")]
    assert lines == ["ConfigMap exchange/a: created", "ConfigMap exchange/b: created"]


def test_a_second_run_writes_nothing_not_even_the_lock():
    server = Server()
    applied(server, config_map("a", x="1"))
    server.requests.clear()
    result, lines = applied(server, config_map("a", x="1"))
    assert (
        not result.changed
        and actions(result) == [("a", "unchanged")]
        and lines == []
        and result.values["diff"] == []
    )
    assert {method for method, path in server.requests if not path.endswith("selfsubjectaccessreviews")} == {
        "GET",
        "DRY",
    }


def test_ownership_alone_is_written_and_is_no_change():
    server = Server(config_map("a", x="1"))
    server.objects[A]["metadata"]["managedFields"] = [
        {"manager": "kubectl", "operation": "Apply", "fieldsV1": {"f:data": {}}}
    ]
    result, lines = applied(server, config_map("a", x="1"))
    assert not result.changed and server.writes == [A] and lines == []


def test_check_mode_shows_both_sides_and_writes_nothing():
    server = Server(config_map("a", x="1"))
    result, lines = applied(server, config_map("a", x="2"), config_map("b"), check_mode=True)
    assert (
        result.changed
        and server.writes == []
        and lines == ["would be configured: ConfigMap exchange/a", "would be created: ConfigMap exchange/b"]
    )
    first = result.values["diff"][0]
    assert (
        first["before_header"] == "ConfigMap exchange/a"
        and "x: '1'" in first["before"]
        and "x: '2'" in first["after"]
        and "uid" not in first["after"]
    )


def test_what_needs_what_is_yet_to_come_is_foreseen_then_applied_after_it():
    manifests = [MARKET, config_map("c", "new"), config_map("d", "new"), DEFINITION, SPACE]
    server = Server()
    preview, _lines = applied(server, *manifests, check_mode=True)
    assert [item["name"] for item in preview.values["objects"] if item.get("foreseen")] == ["c", "d", "btc"]
    # What is missing for one is missing for all.
    assert [path.rsplit("/", 1)[1] for method, path in server.requests if method == "DRY"] == [
        "new",
        "markets.example.test",
        "c",
    ]
    path = path_of("CustomResourceDefinition", "markets.example.test")
    # The watch tells of the object as it is stored: with its uid.
    metadata = {**DEFINITION["metadata"], "uid": f"uid-{path}", "resourceVersion": "999"}
    established = {
        **DEFINITION,
        "metadata": metadata,
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    }
    server.streams = [Event(path.rpartition("/")[0], "MODIFIED", established)]
    result, _lines = applied(server, *manifests)
    assert [place.rsplit("/", 1)[1] for place in server.writes] == [
        "new",
        "markets.example.test",
        "c",
        "d",
        "btc",
    ]
    assert not any(item.get("foreseen") for item in result.values["objects"])


def test_a_namespace_that_nobody_makes_is_told_before_anything_is_written():
    server = Server()
    with pytest.raises(InputError, match="1 problem in the manifests; nothing was changed."):
        applied(server, config_map("a"), config_map("b", "nowhere"))
    assert server.writes == []


def test_all_that_the_api_server_refuses_is_one_error():
    server = Server()
    server.refusals = {
        A: ReleaseError("no", why=["data.x: too long"]),
        B: ReleaseError("no", why=["data.y: too long"]),
    }
    with pytest.raises(InputError, match="2 problems in the manifests") as caught:
        applied(server, config_map("a"), config_map("b"), config_map("c"))
    assert caught.value.why == [
        "manifests[0]: ConfigMap exchange/a: data.x: too long",
        "manifests[1]: ConfigMap exchange/b: data.y: too long",
    ]
    assert server.writes == []


def test_a_webhook_that_cannot_be_tried_is_no_refusal():
    server = Server()
    server.refusals = {A: ReleaseError("no", why=["admission webhook x does not support dry run"])}
    assert applied(server, config_map("a"), check_mode=True)[0].values["objects"][0]["foreseen"]


def owned(name, owner, **data):
    thing = config_map(name, **data)
    thing["metadata"]["annotations"] = {"owner": owner}
    return thing


def test_fields_of_others_are_told_by_field_and_owner_and_taken_only_by_force():
    server = Server(owned("a", "argocd", a="1"))
    with pytest.raises(
        Conflict, match="1 field of the manifests belongs to somebody else; nothing was changed."
    ) as caught:
        applied(server, config_map("a", a="2"), config_map("b"))
    assert (
        caught.value.why == ["manifests[0]: ConfigMap exchange/a: .data.a belongs to argocd using v1"]
        and server.writes == []
    )
    assert "force_conflicts=true" in caught.value.then and "keep_release" not in caught.value.then
    assert applied(server, config_map("a", a="2"), force_conflicts=True)[0].changed and server.objects[A][
        "data"
    ] == {"a": "2"}


def test_what_is_taken_between_the_trial_and_the_write_is_told_with_what_was_done():
    server = Server()
    server.when_written = lambda path: server.objects.update({B: owned("b", "argocd", a="1")})
    with pytest.raises(Conflict) as caught:
        applied(server, config_map("a", a="2"), config_map("b", a="2"), config_map("c", a="2"))
    assert "applied before: ConfigMap exchange/a; not reached: ConfigMap exchange/c" in str(caught.value)


def test_missing_permissions_are_told_as_rules_and_check_mode_does_without_those_to_write():
    server = Server(config_map("a", x="1"))
    server.forbidden = {("patch", "configmaps"), ("create", "configmaps"), ("update", "leases")}
    with pytest.raises(ReleaseError, match="nothing was changed") as caught:
        applied(server, config_map("a", x="2"))
    assert (
        caught.value.why[0]
        == 'patch configmaps in namespace exchange; the rule to add: {apiGroups: [""], resources: [configmaps], verbs: [patch]}'
    )
    assert caught.value.why[1].startswith("update leases (coordination.k8s.io)") and server.writes == []
    result, lines = applied(server, config_map("a", x="2"), check_mode=True)
    assert (
        result.values["objects"][0]["foreseen"]
        and actions(result) == [("a", "configured")]
        and lines[0].startswith("not allowed: patch configmaps")
    )
    server.forbidden = {("get", "configmaps")}
    with pytest.raises(ReleaseError, match="nothing was changed"):
        applied(server, config_map("a", x="2"), check_mode=True)


def test_secrets_appear_nowhere():
    server = Server()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "stringData": {"a": "correct-horse", "pin": "12"},
    }
    server.refusals = {
        path_of("Secret", "s"): ReleaseError("no", why=["stringData.a: correct-horse is not it"])
    }
    given, _lines = context(server, manifests=[secret])
    with pytest.raises(InputError) as caught:
        apply.run(server, given)
    assert "correct-horse" not in given.redact.text(str(caught.value))
    server.refusals = {}
    result, _lines = applied(server, secret)
    assert (
        "correct-horse" not in str(result.values) and "pin: '********'" in result.values["diff"][0]["after"]
    )


SET = {"applyset": "configmap/platform"}


def test_a_secret_that_is_pruned_is_not_shown_either():
    server = Server()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "s"},
        "data": {"a": "Y29ycmVjdC1ob3JzZQ==", "pin": "MTI="},
    }
    applied(server, secret, **SET)
    result, _lines = applied(server, config_map("a"), prune=True, **SET)
    assert result.values["pruned"] == ["Secret exchange/s"]
    assert (
        "pin: '********'" in result.values["diff"][-1]["before"]
        and "MTI" not in str(result.values)
        and "Y29y" not in str(result.values)
    )


def test_a_set_is_recorded_before_its_first_member_and_pruned_after_the_last():
    server = Server()
    applied(server, config_map("a"), config_map("b"), **SET)
    assert [path.rsplit("/", 1)[1] for path in server.writes] == ["platform", "a", "b"]
    result, _lines = applied(server, config_map("a"), **SET)
    assert (
        not result.changed
        and result.values["obsolete"] == ["ConfigMap exchange/b"]
        and result.values["pruned"] == []
    )
    server.requests.clear()
    preview, lines = applied(server, config_map("a"), check_mode=True, prune=True, **SET)
    assert (
        preview.changed
        and preview.values["pruned"] == ["ConfigMap exchange/b"]
        and lines == ["would be pruned: ConfigMap exchange/b"]
        and server.writes == []
    )
    assert preview.values["diff"][0]["after"] == "" and "name: b" in preview.values["diff"][0]["before"]
    result, lines = applied(server, config_map("a"), prune=True, **SET)
    assert (
        result.changed
        and lines == ["ConfigMap exchange/b: pruned"]
        and B not in server.objects
        and A in server.objects
    )
    assert not applied(server, config_map("a"), prune=True, **SET)[0].changed


def test_what_is_pruned_goes_in_the_other_order():
    server = Server()
    manifests = [
        {"apiVersion": "v1", "kind": kind, "metadata": {"name": "x"}}
        for kind in ("ServiceAccount", "Secret", "ConfigMap")
    ]
    applied(server, config_map("a"), *manifests, **SET)
    pruned = applied(server, config_map("a"), prune=True, **SET)[0].values["pruned"]
    assert pruned == ["Secret exchange/x", "ConfigMap exchange/x", "ServiceAccount exchange/x"]


def test_an_interrupted_apply_leaves_no_member_that_is_not_found():
    server = Server()

    def die(path):
        if path == B:
            raise KeyboardInterrupt

    server.when_written = die
    with pytest.raises(KeyboardInterrupt):
        applied(server, config_map("a"), config_map("b"), **SET)
    server.when_written = lambda path: None
    assert applied(server, config_map("b"), prune=True, **SET)[0].values["pruned"] == ["ConfigMap exchange/a"]


def test_nothing_is_pruned_when_something_does_not_become_ready():
    server = Server()
    applied(server, config_map("a"), **SET)
    server.objects[path_of("Namespace", "old")] = {
        "metadata": {"name": "old", "uid": "1"},
        "status": {"phase": "Terminating"},
    }
    with pytest.raises(ReleaseError, match="Namespace old failed: Terminating"):
        applied(
            server, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "old"}}, prune=True, **SET
        )
    assert A in server.objects


def test_what_takes_other_things_with_it_is_told_and_not_deleted():
    server = Server()
    applied(server, SPACE, config_map("a"), **{**SET, "wait": False})
    result, _lines = applied(server, config_map("a"), prune=True, **SET)
    assert result.values == {**result.values, "pruned": [], "obsolete": ["Namespace new"]}
    assert (
        "Namespace"
        in server.objects[path_of("ConfigMap", "platform")]["metadata"]["annotations"][
            "applyset.kubernetes.io/contains-group-kinds"
        ]
    )


def test_a_member_of_another_set_is_refused():
    server = Server()
    applied(server, config_map("a"), **SET)
    with pytest.raises(InputError, match="1 problem") as caught:
        applied(server, config_map("a"), applyset="configmap/other")
    assert "ConfigMap exchange/a is part of another ApplySet" in str(caught.value)


def test_a_release_that_is_under_way_is_not_disturbed():
    server = Server()
    server.post(
        "/apis/coordination.k8s.io/v1/namespaces/exchange/leases", lease("deploy@elsewhere pid 1 since 2")
    )
    with pytest.raises(
        ReleaseError, match="Another release is under way in namespace exchange; nothing was changed."
    ):
        applied(server, config_map("a"))
    assert applied(server, config_map("a"), check_mode=True)[0].changed
    assert applied(server, config_map("a"), lock_force=True)[0].changed


def test_the_lock_is_given_back_also_when_it_fails():
    server = Server()
    server.when_written = lambda path: server.refusals.update({B: ReleaseError("no", why=["because"])})
    with pytest.raises(ReleaseError, match="ConfigMap exchange/b was not applied"):
        applied(server, config_map("a"), config_map("b"))
    assert server.objects[LEASE]["spec"]["holderIdentity"] == ""


def lease(holder):
    spec = {
        "holderIdentity": holder,
        "leaseDurationSeconds": 60,
        "renewTime": "2023-11-14T22:13:20.000000Z",
        "leaseTransitions": 1,
    }
    return {
        "metadata": {"name": "runbook-release", "annotations": {"runbook.release/release": "2.4.0"}},
        "spec": spec,
    }


@pytest.mark.parametrize("last", [path_of("ConfigMap", "a"), path_of("ConfigMap", "b")])
def test_an_apply_that_is_stopped_between_two_writes_finds_its_lock_taken(last):
    """And says how far it came. After the last manifest the next write is the first deletion of the set."""
    server = Server()
    applied(server, config_map("old"), applyset="configmap/demo")
    server.requests.clear()

    def stopped(path):
        if path == last:
            server.objects[LEASE]["spec"].update(
                holderIdentity="deploy@elsewhere pid 1 since 2", leaseTransitions=7
            )
            server.seconds += 2

    server.when_written = stopped
    with pytest.raises(
        LockLost, match="The lock of namespace exchange was lost; nothing more was written"
    ) as caught:
        applied(server, config_map("a"), config_map("b"), applyset="configmap/demo", prune=True)
    assert server.writes[-1] == last and path_of("ConfigMap", "old") in server.objects
    assert ("applied before: ConfigMap exchange/a; not reached: nothing" in str(caught.value)) == (last == A)


def test_a_release_of_this_very_run_goes_on_holding_its_lock():
    server = Server()
    me = identity(None)
    server.post("/apis/coordination.k8s.io/v1/namespaces/exchange/leases", lease(me))
    applied(server, config_map("a"))
    kept = server.objects[LEASE]
    assert (
        kept["spec"]["holderIdentity"] == me
        and kept["metadata"]["annotations"]["runbook.release/release"] == "2.4.0"
    )


@pytest.mark.parametrize(
    "manifests",
    [
        [],
        [config_map("a"), config_map("a", "exchange")],
        [{**SPACE, "metadata": {"name": "n", "namespace": "x"}}],
    ],
)
def test_what_does_not_fit_is_refused(manifests):
    server = Server()
    with pytest.raises(InputError, match="1 problem in the manifests; nothing was changed."):
        applied(server, *manifests)
    assert server.writes == []
