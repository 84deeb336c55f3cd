# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""kube_apply on a real cluster, in a namespace of its own, beside the kubectl that its users trust."""

from __future__ import annotations

import base64
import json
import os
import subprocess
import typing as t
from pathlib import Path

import pytest
import yaml

from sandbox.demo.demo_services import BAD, BROKEN_SERVICE, FIRST, GOOD, LAST_WORDS
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import READY, Manifest, deployment
from tests.integration.support.playbooks.runner import PlaybookRunner, ansible_environment, signal_all
from tests.integration.support.playbooks.tasks import Ran, Task, Tasks

SPACE = "exchange-apply"
GROUP = "apply.runbook.test"
SECRET = "correct-horse-battery"


class Apply:
    """kube_apply with all that Ansible can be made to say."""

    def __init__(self, tasks: Tasks, kubectl: Kubectl, registry: str) -> None:
        self.tasks, self.kubectl, self._registry = tasks, kubectl, registry

    def __call__(self, *manifests: Manifest, task: Task | None = None, **options: t.Any) -> Ran:
        return self.tasks.run({**self.task(*manifests, **options), **(task or {})}, more=["-vvv"])

    def task(self, *manifests: Manifest, **options: t.Any) -> Task:
        return {
            "runbook.release.kube_apply": {
                "timeout": 60,
                **({"manifests": list(manifests)} if manifests else {}),
                **options,
            }
        }

    def deployment(self, name: str, version: str = FIRST) -> Manifest:
        return deployment(name, self.image(name, version), readinessProbe=READY)

    def image(self, name: str, version: str) -> str:
        return f"{self._registry}/{name}:{version}"


def actions(outcome: Ran) -> dict[str, str]:
    return {f"{item['kind']}/{item['name']}": item["action"] for item in outcome.result["objects"]}


@pytest.fixture
def apply(
    sandbox: t.Any, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> t.Iterator[Apply]:
    monkeypatch.setenv("KUBECTL_APPLYSET", "true")
    monkeypatch.setenv("PATH", f"{Path(sandbox.kubectl).parent}:{os.environ['PATH']}")  # for kustomizations
    kubectl = Kubectl(sandbox.kubectl, sandbox.kubeconfig, SPACE)
    kubectl("delete", "namespace", SPACE, "--ignore-not-found")
    kubectl("delete", "customresourcedefinition", f"markets.{GROUP}", "--ignore-not-found")
    yield Apply(
        Tasks(SPACE, PlaybookRunner(ansible_environment(sandbox.kubeconfig)), tmp_path), kubectl, registry
    )
    kubectl("delete", "namespace", SPACE, "--ignore-not-found", "--wait=false")
    kubectl("delete", "customresourcedefinition", f"markets.{GROUP}", "--ignore-not-found")


@pytest.fixture
def space(apply: Apply) -> Apply:
    apply.kubectl("create", "namespace", SPACE)
    return apply


def config_map(name: str, **data: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": SPACE}}
MARKET = {"apiVersion": f"{GROUP}/v1", "kind": "Market", "metadata": {"name": "btc-eur"}, "spec": {"tick": 1}}
SCHEMA = {
    "type": "object",
    "properties": {"spec": {"type": "object", "properties": {"tick": {"type": "integer"}}}},
}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": f"markets.{GROUP}"},
    "spec": {
        "group": GROUP,
        "names": {"kind": "Market", "listKind": "MarketList", "plural": "markets", "singular": "market"},
        "scope": "Namespaced",
        "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}],
    },
}


def test_a_namespace_a_definition_its_object_and_a_deployment_go_in_one_task_whatever_their_order(
    apply: Apply,
) -> None:
    everything = [MARKET, apply.deployment("auth"), DEFINITION, NAMESPACE]
    preview = apply(*everything, task={"check_mode": True})
    assert not preview.failed and preview.result["changed"], preview.out
    assert {item["name"]: item.get("foreseen", False) for item in preview.result["objects"]} == {
        SPACE: False,
        f"markets.{GROUP}": False,
        "auth": True,
        "btc-eur": True,
    }
    assert f"would be created: Market {SPACE}/btc-eur" in preview.err
    with pytest.raises(subprocess.CalledProcessError):
        apply.kubectl.get("namespace", SPACE)

    done = apply(*everything)
    assert not done.failed and set(actions(done).values()) == {"created"}, done.out
    assert [item["kind"] for item in done.result["objects"]] == [
        "Namespace",
        "CustomResourceDefinition",
        "Deployment",
        "Market",
    ]
    assert apply.kubectl.get("deployment", "auth")["status"]["availableReplicas"] == 1
    assert apply.kubectl.get("market", "btc-eur")["spec"] == {"tick": 1}
    assert {
        entry["manager"] for entry in apply.kubectl.get("market", "btc-eur")["metadata"]["managedFields"]
    } == {"runbook.release.apply"}

    before = [
        apply.kubectl.get(*what)["metadata"]["resourceVersion"]
        for what in (("market", "btc-eur"), ("deployment", "auth"), ("namespace", SPACE))
    ]
    again = apply(*everything)
    assert (
        not again.failed
        and not again.result["changed"]
        and set(actions(again).values()) == {"unchanged"}
        and again.result["diff"] == []
    )
    assert [
        apply.kubectl.get(*what)["metadata"]["resourceVersion"]
        for what in (("market", "btc-eur"), ("deployment", "auth"), ("namespace", SPACE))
    ] == before


def test_everything_that_is_wrong_is_reported_at_once_and_nothing_is_written(
    space: Apply, tmp_path: Path
) -> None:
    (tmp_path / "broken.yaml").write_text("kind: ConfigMap\n---\npassword: hunter2hunter2: x\n")
    (tmp_path / "twice.yaml").write_text("apiVersion: v1\nkind: ConfigMap\nkind: Secret\n")
    first = space(config_map("good"), src=["broken.yaml", "twice.yaml", "nowhere.yaml"])
    assert first.failed
    for said in (
        "broken.yaml, document 2, line 3: is not valid YAML: mapping values are not allowed",
        "broken.yaml, document 1: apiVersion: is missing; allowed: a string",
        "twice.yaml, document 1, line 3: is not valid YAML: the key kind is there twice",
        "nowhere.yaml: No such file or directory; allowed: a file or folder of manifests",
        "nothing was changed",
    ):
        assert said in first.result["msg"], first.result["msg"]
    assert "hunter2" not in first.out

    strange = {"apiVersion": "apps/v1", "kind": "Deploymnt", "metadata": {"name": "x"}}
    foreign = {"apiVersion": "nobody.test/v1", "kind": "Thing", "metadata": {"name": "x"}}
    second = space(config_map("good"), strange, foreign)
    assert (
        "manifests[1]: Deploymnt x: there is no kind Deploymnt in apps/v1 (did you mean Deployment?)"
        in second.result["msg"]
    )
    assert "manifests[2]: Thing x: the cluster does not serve nobody.test/v1" in second.result["msg"]

    mistyped = space.deployment("auth")
    mistyped["spec"]["replcas"] = 2
    refused = space.deployment("other")
    refused["spec"]["template"]["metadata"]["labels"] = {"app": "another"}
    elsewhere = {**config_map("good"), "metadata": {"name": "good", "namespace": "not-there"}}
    third = space(config_map("good"), mistyped, refused, elsewhere)
    assert "3 problems in the manifests; nothing was changed." in third.result["msg"]
    assert ".spec.replcas: field not declared in schema" in third.result["msg"]
    assert "`selector` does not match template `labels`" in third.result["msg"]
    assert 'namespaces "not-there" not found' in third.result["msg"]
    assert space.kubectl("get", "configmap", "good", "--ignore-not-found") == ""


def test_fields_of_others_are_named_with_their_owner_before_anything_changes(space: Apply) -> None:
    mine = config_map("limits", withdrawals="100", deposits="5")
    space.kubectl(
        "apply",
        "--server-side",
        "--field-manager=other",
        "-f",
        "-",
        stdin=json.dumps(config_map("limits", withdrawals="7", deposits="5")),
    )
    refused = space(mine, config_map("more", a="b"))
    assert refused.failed
    assert (
        f"manifests[0]: ConfigMap {SPACE}/limits: .data.withdrawals belongs to other" in refused.result["msg"]
    )
    assert "deposits" not in refused.result["msg"] and "force_conflicts=true" in refused.result["msg"]
    assert (
        space.kubectl.get("configmap", "limits")["data"]["withdrawals"] == "7"
        and space.kubectl("get", "configmap", "more", "--ignore-not-found") == ""
    )
    assert space(mine, config_map("more", a="b"), task={"check_mode": True}).failed

    taken = space(mine, config_map("more", a="b"), force_conflicts=True)
    assert not taken.failed and actions(taken) == {
        "ConfigMap/limits": "configured",
        "ConfigMap/more": "created",
    }
    assert space.kubectl.get("configmap", "limits")["data"] == mine["data"]
    # What is dropped from the manifest goes, since it is ours now; what somebody else says, too, stays.
    assert not space(config_map("limits", deposits="5")).failed
    assert space.kubectl.get("configmap", "limits")["data"] == {"deposits": "5"}


def test_what_a_release_has_set_stays_and_is_reported(space: Apply) -> None:
    manifest = space.deployment("auth")
    assert not space(manifest).failed
    release = {
        "spec": {
            "replicas": 2,
            "template": {"spec": {"containers": [{"name": "auth", "image": space.image("auth", GOOD)}]}},
        }
    }
    space.kubectl("patch", "deployment", "auth", "--field-manager=runbook.release", "-p", json.dumps(release))
    manifest["metadata"]["labels"] = {"team": "payments"}
    done = space(manifest)
    assert not done.failed, done.out
    assert sorted(done.result["objects"][0]["kept"]) == [
        ".spec.replicas",
        '.spec.template.spec.containers[name="auth"].image',
    ]
    there = space.kubectl.get("deployment", "auth")
    assert there["metadata"]["labels"] == {"team": "payments"} and there["spec"]["replicas"] == 2
    assert there["spec"]["template"]["spec"]["containers"][0]["image"].endswith(GOOD)
    assert not space(manifest).result["changed"]

    refused = space(manifest, keep_release=False)
    assert (
        refused.failed
        and ".spec.replicas belongs to runbook.release" in refused.result["msg"]
        and "keep_release=true" in refused.result["msg"]
    )
    assert not space(manifest, keep_release=False, force_conflicts=True).failed
    assert space.kubectl.get("deployment", "auth")["spec"]["replicas"] == 1


def test_secrets_are_seen_to_change_and_never_seen(space: Apply) -> None:
    def secret(value: str) -> Manifest:
        return {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": "db"},
            "stringData": {"password": value, "pin": "1234", "user": "wallet"},
        }

    def mistaken() -> Manifest:
        return {**secret(SECRET), "stringData": {"password": SECRET}, "data": {"x": SECRET}}

    runs = [
        space(secret(SECRET)),
        space(secret(f"{SECRET}-2")),
        space(secret(SECRET), task={"check_mode": True}),
    ]
    assert [run.failed for run in runs] == [False] * 3 and [run.result["changed"] for run in runs] == [
        True,
        True,
        True,
    ]
    assert (
        "password: '******** (changed)'" in runs[1].result["diff"][0]["after"]
        and "user: '********'\n" in runs[1].result["diff"][0]["after"]
    )
    refused = space(mistaken())
    assert refused.failed and "illegal base64" in refused.result["msg"]
    plain = {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}
    elsewhere = space(secret(f"{SECRET}-3"), task={"vars": plain})
    assert not elsewhere.failed and elsewhere.result["changed"], elsewhere.out
    for run in (*runs, refused, elsewhere):
        for value in (SECRET, base64.b64encode(SECRET.encode()).decode()):
            assert value not in run.full_output
    assert base64.b64decode(space.kubectl.get("secret", "db")["data"]["password"]).decode() == f"{SECRET}-3"


def test_what_is_no_longer_among_the_manifests_is_previewed_then_pruned_and_kubectl_goes_on_from_there(
    space: Apply,
) -> None:
    options: dict[str, t.Any] = {"applyset": "configmap/platform", "prune": True}
    stranger = config_map("stranger", a="b")
    space.kubectl.apply(stranger)
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    ledger = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "ledger"},
        "spec": claim,
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "settlement"}}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"pin": SECRET}}
    first = space(config_map("a"), config_map("b"), account, ledger, secret, **options)
    assert not first.failed and first.result["pruned"] == [], first.out

    fewer = [config_map("a")]
    kept = space(*fewer, applyset="configmap/platform")
    assert not kept.failed and not kept.result["changed"]
    gone = {f"ConfigMap {SPACE}/b", f"ServiceAccount {SPACE}/settlement", f"Secret {SPACE}/db"}
    assert set(kept.result["obsolete"]) == {*gone, f"PersistentVolumeClaim {SPACE}/ledger"}
    preview = space(*fewer, task={"check_mode": True}, **options)
    assert preview.result["changed"] and set(preview.result["pruned"]) == gone
    assert "pin: '********'" in preview.out and not any(
        value in preview.out for value in (SECRET, base64.b64encode(SECRET.encode()).decode())
    )
    assert f"would be pruned: ConfigMap {SPACE}/b" in preview.err
    assert space.kubectl("get", "configmap", "b", "-o", "name").strip() == "configmap/b"

    pruned = space(*fewer, **options)
    assert (
        not pruned.failed
        and pruned.result["pruned"] == preview.result["pruned"]
        and pruned.result["obsolete"] == [f"PersistentVolumeClaim {SPACE}/ledger"]
    )
    names = {item["metadata"]["name"] for item in space.kubectl.items("configmaps")}
    assert names >= {"a", "stranger", "platform"} and "b" not in names
    assert not space(*fewer, **options).result["changed"]
    annotations = space.kubectl.get("configmap", "platform")["metadata"]["annotations"]
    assert annotations["applyset.kubernetes.io/contains-group-kinds"] == "ConfigMap,PersistentVolumeClaim"

    # kubectl takes the set over, and we take it back.
    theirs = json.dumps({"apiVersion": "v1", "kind": "List", "items": [config_map("c"), ledger]})
    output = space.kubectl(
        "apply", "--server-side", "--prune", "--applyset=configmaps/platform", "-f", "-", stdin=theirs
    )
    assert "configmap/a pruned" in output and "configmap/c serverside-applied" in output
    back = space(config_map("d"), ledger, **options)
    assert not back.failed and back.result["pruned"] == [f"ConfigMap {SPACE}/c"], back.out
    names = {item["metadata"]["name"] for item in space.kubectl.items("configmaps")}
    assert names >= {"d", "stranger", "platform"} and not names & {"a", "b", "c"}


def test_what_belongs_to_another_set_is_not_taken(space: Apply) -> None:
    assert not space(config_map("a"), applyset="configmap/one").failed
    refused = space(config_map("a"), applyset="configmap/two")
    assert refused.failed and "is part of another ApplySet" in refused.result["msg"]
    assert space.kubectl("get", "configmap", "two", "--ignore-not-found") == ""


def test_a_deployment_that_never_becomes_ready_is_explained_and_the_others_are_applied(space: Apply) -> None:
    failed = space(
        space.deployment(BROKEN_SERVICE, BAD), space.deployment("auth"), applyset="configmap/platform"
    )
    assert failed.failed
    result = failed.result["msg"]
    assert (
        f"Deployment {SPACE}/{BROKEN_SERVICE} will not become ready." in result
        and "exit code 3" in result
        and LAST_WORDS in result
    )
    assert f"kubectl -n {SPACE} logs {BROKEN_SERVICE}-" in result
    assert space.kubectl("get", "lease", "runbook-release", "-o", "jsonpath={.spec.holderIdentity}") == ""

    slow = space.deployment("auth")
    slow["spec"]["template"]["spec"]["containers"][0]["readinessProbe"]["httpGet"]["path"] = "/nowhere"
    late = space(slow, timeout=6)
    assert late.failed and f"Deployment {SPACE}/auth did not become ready within 6 s." in late.result["msg"]
    assert "Readiness probe failed" in late.result["msg"] and "404" in late.result["msg"]


def test_killed_in_the_middle_it_converges_when_it_is_run_again(space: Apply, tmp_path: Path) -> None:
    many = tmp_path / "many"
    many.mkdir()
    names = [f"part-{number:02d}" for number in range(40)]
    (many / "all.yaml").write_text(yaml.safe_dump_all([config_map(name, a="b") for name in names]))
    options: dict[str, t.Any] = {"src": [str(many)], "applyset": "configmap/platform", "prune": True}
    running = space.tasks.start(space.task(**options))
    for count, _line in enumerate(t.cast("t.IO[str]", running.stderr), start=1):
        if count == 10:
            break
    signal_all(running, 9)
    running.communicate(timeout=30)
    written = space.kubectl.items("configmaps")
    assert 0 < len([item for item in written if item["metadata"]["name"].startswith("part-")]) < 40
    # Nothing of it is lost from the set: what is dropped now is found.
    (many / "all.yaml").write_text(yaml.safe_dump_all([config_map(name, a="b") for name in names[1:]]))
    done = space(**options)
    assert not done.failed and done.result["pruned"] == [f"ConfigMap {SPACE}/part-00"], done.out
    assert {
        item["metadata"]["name"]
        for item in space.kubectl.items("configmaps")
        if item["metadata"]["name"].startswith("part-")
    } == set(names[1:])
    assert not space(**options).result["changed"]


def test_a_kustomization_is_built(space: Apply, tmp_path: Path) -> None:
    folder = tmp_path / "overlay"
    folder.mkdir()
    (folder / "kustomization.yaml").write_text("namePrefix: blue-\nresources: [all.yaml]\n")
    (folder / "all.yaml").write_text(yaml.safe_dump(config_map("limits", a="b")))
    done = space(src=["overlay"])
    assert not done.failed and actions(done) == {"ConfigMap/blue-limits": "created"}, done.out
    module = space(
        src=[str(folder)],
        task={"vars": {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}},
    )
    assert not module.failed and actions(module) == {"ConfigMap/blue-limits": "unchanged"}, module.out


def test_what_the_credentials_may_not_do_is_reported_as_rules_and_check_mode_needs_to_read_only(
    space: Apply, tmp_path: Path
) -> None:
    rules = [
        {
            "apiGroups": ["", "apps"],
            "resources": ["configmaps", "deployments", "replicasets", "pods"],
            "verbs": ["get", "list", "watch"],
        }
    ]
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "reader"},
        "rules": rules,
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "reader"}}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "reader"},
        "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "reader"},
        "subjects": [{"kind": "ServiceAccount", "name": "reader", "namespace": SPACE}],
    }
    assert not space(role, account, binding, config_map("limits", a="b")).failed
    config = yaml.safe_load(Path(space.tasks.environment["KUBECONFIG"]).read_text())
    config["users"][0]["user"] = {"token": space.kubectl("create", "token", "reader").strip()}
    (tmp_path / "reader").write_text(yaml.safe_dump(config))

    wanted = [config_map("limits", a="c"), space.deployment("auth")]
    refused = space(*wanted, kubeconfig=str(tmp_path / "reader"))
    assert refused.failed
    rule = '{apiGroups: [""], resources: [configmaps], verbs: [patch]}'
    assert f"patch configmaps in namespace {SPACE}; the rule to add: {rule}" in refused.result["msg"]
    assert "patch, create deployments (apps)" in refused.result["msg"]
    preview = space(*wanted, kubeconfig=str(tmp_path / "reader"), task={"check_mode": True})
    assert not preview.failed and actions(preview) == {
        "ConfigMap/limits": "configured",
        "Deployment/auth": "created",
    }, preview.out
    assert preview.result["diff"][0]["after"].replace("a: c", "a: b") == preview.result["diff"][0]["before"]
