# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is unwell in a real namespace, made so on purpose."""

from __future__ import annotations

import datetime
import typing as t
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from tests.integration.support.kubectl import Kubectl
from tests.integration.support.manifests import SECRET, deployment
from tests.integration.support.playbooks.runner import ROOT
from tests.integration.support.playbooks.tasks import Tasks

EVERYTHING = ["workloads", "pods", "restarts", "events", "volumes", "budgets", "certificates", "nodes"]


def look(checks: list[str], **options: t.Any) -> dict[str, t.Any]:
    return {"runbook.release.kube_health_info": {"checks": checks, **options}}


def tls_secret(name: str, days: int) -> tuple[dict[str, t.Any], str]:
    """And its private key."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(
        subject,
        subject,
        key.public_key(),
        x509.random_serial_number(),
        now,
        now + datetime.timedelta(days=days, hours=1),
    )
    pem = builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM).decode()
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/tls",
        "metadata": {"name": name},
        "stringData": {"tls.crt": pem, "tls.key": private},
    }, private


@pytest.fixture
def unwell(space: Kubectl, task_image: str) -> str:
    """One of everything. Gives a private key, which nobody may get to see."""
    secret, key = tls_secret("ingress", 10)
    claim = {
        "accessModes": ["ReadWriteOnce"],
        "storageClassName": "nobody-makes-it",
        "resources": {"requests": {"storage": "1Gi"}},
    }
    space.apply(
        deployment(
            "wallet",
            task_image,
            args=["sleep:3000", f"err:no log in with {SECRET}", "exit:3"],
            env=[{"name": "DB_PASSWORD", "value": SECRET}],
            readinessProbe={"tcpSocket": {"port": 1}, "periodSeconds": 1},
        ),
        secret,
        tls_secret("internal", 300)[0],
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "data"}, "spec": claim},
        {
            "apiVersion": "policy/v1",
            "kind": "PodDisruptionBudget",
            "metadata": {"name": "wallet"},
            "spec": {"minAvailable": 2, "selector": {"matchLabels": {"app": "wallet"}}},
        },
    )
    space(
        "wait",
        "--for=jsonpath={.status.containerStatuses[0].restartCount}=1",
        "pods",
        "--all",
        "--timeout=60s",
    )
    space("wait", "--for=jsonpath={.status.desiredHealthy}=2", "pdb/wallet", "--timeout=30s")
    return key


def test_everything_that_is_unwell_is_reported_by_its_name(tasks: Tasks, space: Kubectl, unwell: str) -> None:
    ran = tasks.run(
        look(EVERYTHING),
        look(["certificates"], expire_within=5),
        look(["restarts"], since=1, restarts_allowed=9),
        look(["workloads"]),
    )
    found, dates, calm, default = ran.results
    output = "\n".join(found["reasons"])
    assert (
        not found["healthy"]
        and found["unknown"] == {}
        and [check for check in EVERYTHING if not found[check]] == []
    )
    pod = space.items("pods")[0]["metadata"]["name"]
    for said in (
        f"pod {pod}, container wallet: restarted at",
        "exit code 3",
        "PersistentVolumeClaim data: Pending, 1Gi of class nobody-makes-it",
        "PodDisruptionBudget wallet: ",
        f"Pod {pod}: Unhealthy: Readiness probe failed: dial tcp",
        "certificate of Secret ingress: expires in 10 days",
    ):
        assert said in output, output
    assert [entry["name"] for entry in found["certificates"]] == [
        "API server",
        "Secret ingress",
        "Secret internal",
    ]
    assert (
        "Secret internal" not in output and dates["healthy"] and dates["certificates"][1]["days_left"] == 10.0
    )
    assert calm["healthy"] and set(default) >= {"workloads"} and "pods" not in default
    assert unwell.splitlines()[2] not in ran.full_output and SECRET not in ran.full_output


def test_what_the_role_of_a_release_may_not_see_is_unknown_and_the_optional_roles_are_enough(
    tasks: Tasks, space: Kubectl, unwell: str, account: t.Callable[..., Path]
) -> None:
    release = yaml.safe_load((ROOT / "docs" / "kubernetes_role.yml").read_text())
    optional = {
        role["metadata"]["name"].removeprefix("runbook-release-"): role
        for role in yaml.safe_load((ROOT / "docs" / "kubernetes_role_optional.yml").read_text())["items"]
    }
    config = str(account(release))
    found = tasks.run(look(EVERYTHING, kubeconfig=config)).results[0]
    assert set(found["unknown"]) == {"volumes", "budgets", "certificates", "nodes"}
    assert 'cannot list resource "nodes"' in found["unknown"]["nodes"] and [
        entry["name"] for entry in found["certificates"]
    ] == ["API server"]
    assert found["pods"] and found["restarts"]

    nodes = optional["nodes"]
    nodes["metadata"]["name"] = space.namespace  # of the cluster: nobody else's name
    try:
        found = tasks.run(
            look(EVERYTHING, kubeconfig=str(account(optional["health"], optional["certificates"], nodes)))
        ).results[0]
    finally:
        space("delete", "clusterrole,clusterrolebinding", space.namespace)
    assert found["unknown"] == {} and found["nodes"] and found["volumes"]


def test_stateful_sets_are_checked_where_that_is_asked_for(
    tasks: Tasks, space: Kubectl, task_image: str
) -> None:
    template = deployment("wallet", task_image)
    spec = {**template["spec"], "serviceName": "ledger"}
    space.apply({**template, "kind": "StatefulSet", "metadata": {"name": "ledger"}, "spec": spec})
    space("rollout", "status", "statefulset/ledger", "--timeout=60s")
    found, without = tasks.run(
        look(["workloads"], kinds=["Deployment", "StatefulSet"], workloads=["ledger"]),
        look(["workloads"], workloads=["ledger"]),
    ).results
    assert (
        found["healthy"]
        and found["workloads"][0]["kind"] == "StatefulSet"
        and found["workloads"][0]["available"] == 1
    )
    assert without["reasons"] == ["ledger: there is no Deployment of this name; there are: none"]
