# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import base64

from ansible_collections.runbook.release.plugins.module_utils._common.redact import Redactor
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply import (
    field_ownership as applied,
)


def deployment(image="x:1", **spec):
    return {
        "kind": "Deployment",
        "metadata": {"name": "x"},
        "spec": {"template": {"spec": {"containers": [{"name": "x", "image": image}]}}, **spec},
    }


def owned(thing, fields, manager="runbook.release", operation="Update"):
    thing["metadata"]["managedFields"] = [{"manager": manager, "operation": operation, "fieldsV1": fields}]
    return thing


CONTAINER = 'k:{"name":"x"}'


def of_container(inner):
    return {"f:spec": {"f:template": {"f:spec": {"f:containers": {CONTAINER: inner}}}}}


def test_what_the_servers_note_is_no_change():
    noted = {**deployment(), "status": {"replicas": 1}}
    noted["metadata"].update(
        uid="1",
        resourceVersion="2",
        generation=3,
        managedFields=[],
        annotations={"kubectl.kubernetes.io/last-applied-configuration": "{}"},
    )
    assert applied.comparable(noted) == applied.comparable(deployment())


def test_a_field_that_a_release_has_set_is_left_to_it_and_told_when_the_manifest_says_something_else():
    live = owned(
        deployment("x:2", replicas=3),
        {"f:spec": {"f:replicas": {}, **of_container({"f:image": {}})["f:spec"]}},
    )
    body, kept = applied.beside_release(deployment("x:1", replicas=3), live)
    assert body["spec"] == {"template": {"spec": {"containers": [{"name": "x"}]}}}
    assert kept == ['.spec.template.spec.containers[name="x"].image']


def test_fields_of_others_and_those_of_our_own_applies_are_not_left_out():
    for manager, operation in (
        ("kubectl", "Update"),
        ("runbook.release", "Apply"),
        ("runbook.release.apply", "Apply"),
    ):
        live = owned(deployment("x:2"), of_container({"f:image": {}}), manager, operation)
        assert applied.beside_release(deployment("x:1"), live) == (deployment("x:1"), [])
    assert applied.beside_release(deployment("x:1"), None) == (deployment("x:1"), [])


def test_an_environment_entry_of_a_release_takes_the_other_form_of_the_value_with_it():
    live, wanted = deployment(), deployment()
    live["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "MODE", "value": "on"}]
    wanted["spec"]["template"]["spec"]["containers"][0]["env"] = [
        {"name": "MODE", "valueFrom": {"configMapKeyRef": {}}},
        {"name": "OTHER", "value": "1"},
    ]
    owned(live, of_container({"f:env": {'k:{"name":"MODE"}': {".": {}, "f:name": {}, "f:value": {}}}}))
    body, kept = applied.beside_release(wanted, live)
    assert body["spec"]["template"]["spec"]["containers"][0]["env"] == [
        {"name": "MODE"},
        {"name": "OTHER", "value": "1"},
    ]
    assert kept == ['.spec.template.spec.containers[name="x"].env[name="MODE"].value']


def test_the_strategy_is_the_releases_or_the_manifests_as_a_whole():
    live = owned(deployment(strategy={"type": "Recreate"}), {"f:spec": {"f:strategy": {"f:type": {}}}})
    body, kept = applied.beside_release(
        deployment(strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}}), live
    )
    assert "strategy" not in body["spec"] and kept == [".spec.strategy"]


def test_a_manifest_is_laid_over_what_is_there_where_the_server_cannot_be_asked():
    live = {**deployment("x:1"), "status": {}}
    live["spec"]["template"]["spec"]["containers"][0]["imagePullPolicy"] = "Always"
    seen = applied.foreseen(live, deployment("x:2"))["spec"]["template"]["spec"]["containers"]
    assert seen == [{"name": "x", "image": "x:2", "imagePullPolicy": "Always"}]
    assert applied.foreseen(None, deployment()) == deployment()


def secret(value, **more):
    return {"kind": "Secret", "metadata": {"name": "s"}, "data": {"a": value, "pin": "MTIzNA=="}, **more}


def test_values_of_secrets_are_hidden_on_both_sides_and_seen_to_change():
    before, after = applied.shown(secret("b2xk"), secret("bmV3"))
    assert before["data"] == {"a": "********", "pin": "********"}
    assert after["data"] == {"a": "******** (changed)", "pin": "********"}
    assert applied.shown(None, secret("bmV3"))[1]["data"]["a"] == "********"
    assert applied.shown(secret("b2xk"), None)[0]["data"]["a"] == "********"


def test_telling_keys_and_environment_are_hidden_too_and_names_of_secrets_are_not():
    container = {
        "name": "x",
        "env": [{"name": "DB_PASSWORD", "value": "abc"}, {"name": "MODE", "value": "on"}],
        "volumes": [{"secretName": "db"}],
    }
    container["env"].append(
        {"name": "DB_TOKEN", "valueFrom": {"secretKeyRef": {"name": "db", "key": "token"}}}
    )
    seen = applied.shown(
        None, {"kind": "Deployment", "metadata": {}, "spec": [container], "data": {"api_key": "abc"}}
    )[1]
    assert [entry.get("value") for entry in seen["spec"][0]["env"]] == ["********", "on", None]
    assert seen["spec"][0]["volumes"] == [{"secretName": "db"}] and seen["data"] == {"api_key": "********"}
    assert seen["spec"][0]["env"][2]["valueFrom"]["secretKeyRef"]["name"] == "db"
    changed = {**container, "env": [{"name": "DB_PASSWORD", "value": "xyz"}, *container["env"][1:]]}
    before, after = applied.shown(
        {"kind": "X", "metadata": {}, "spec": [container]}, {"kind": "X", "metadata": {}, "spec": [changed]}
    )
    assert (
        before["spec"][0]["env"][0]["value"] == "********"
        and after["spec"][0]["env"][0]["value"] == "******** (changed)"
    )


def test_secrets_are_learnt_plain_and_encoded():
    redact, plain = Redactor(), "correct-horse"
    applied.learn(
        redact, secret(base64.b64encode(plain.encode()).decode(), stringData={"b": "battery-staple"})
    )
    applied.learn(
        redact, {"kind": "Deployment", "spec": {"env": [{"name": "DB_PASSWORD", "value": "open-sesame"}]}}
    )
    applied.learn(redact, None)
    assert (
        redact.text(f"{plain} {base64.b64encode(plain.encode()).decode()} battery-staple open-sesame")
        == "******** ******** ******** ********"
    )
