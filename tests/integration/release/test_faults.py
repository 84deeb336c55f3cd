# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What goes wrong in life, at a constant 200 requests/s: every test checks the cluster and the traffic."""

from __future__ import annotations

import contextlib
import datetime
import itertools
import json
import random
import re
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sandbox.demo.demo_services import FIRST, GOOD
from sandbox.settings import Settings
from tests.integration.support.faults.fault_proxy import FaultProxy
from tests.integration.support.kubectl import NAMESPACE, Kubectl
from tests.integration.support.playbooks.demo_platform import (
    SERVICES,
    THREE_SERVICES,
    Playbooks,
    three_services,
)
from tests.integration.support.tiers import split

RATE = 200
Service = dict[str, t.Any]


def one_service(name: str, **service: t.Any) -> list[str]:
    """The arguments that make a release of this one service."""
    settings = {
        "release_services": [{"name": name, **service}],
        "release_smoke": [],
        "release_stuck_after": 6,
        "release_timeout": 60,
    }
    return ["-e", json.dumps(settings)]


@pytest.fixture
def objects(kubectl: Kubectl, tmp_path: Path) -> t.Iterator[t.Callable[..., None]]:
    """Applies what a test needs beside the platform, and takes it away again."""
    made: list[str] = []

    def apply(*things: dict[str, t.Any]) -> None:
        path = tmp_path / f"objects-{len(made)}.json"
        path.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": list(things)}))
        made.append(str(path))
        kubectl("apply", "-f", str(path))

    yield apply
    for path in reversed(made):
        kubectl("delete", "-f", path, "--ignore-not-found", "--wait=false")


def denied(image: str) -> list[dict[str, t.Any]]:
    """An admission policy that lets no pod with this image into the platform's namespace."""
    rules = {"apiGroups": [""], "apiVersions": ["v1"], "operations": ["CREATE"], "resources": ["pods"]}
    policy = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "resourceRules": [rules],
            "namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": NAMESPACE}},
        },
        "validations": [
            {
                "expression": f"object.spec.containers.all(c, !c.image.endsWith('{image}'))",
                "message": "this image is not signed",
            }
        ],
    }
    kind = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": "signed-images"}}
    binding = {"policyName": "signed-images", "validationActions": ["Deny"]}
    return [
        {**kind, "kind": "ValidatingAdmissionPolicy", "spec": policy},
        {**kind, "kind": "ValidatingAdmissionPolicyBinding", "spec": binding},
    ]


# For how long a version runs well before it crashes.
CRASHES_AFTER = {"crashes later": 6, "crashes after half a minute": 30}
# Name of the fault: what the bad release sets on wallet, and what has to be said about it.
BROKEN: dict[str, tuple[Service, list[str]]] = {
    "exits at start": (
        {"env": {"FAULT_EXIT_AT_START": "3"}},
        ["wallet will not become ready", "exit code 3", "fatal: told to exit"],
    ),
    "never ready": (
        {"env": {"FAULT_NEVER_READY": "1"}, "timeout": 8},
        ["wallet did not settle within 8 s", "not ready", "GET /ready", "503"],
    ),
    "out of memory": (
        {"env": {"FAULT_LEAK_MB_PER_SECOND": "200", "FAULT_READY_AFTER": 60}},
        ["OOMKilled (its memory limit of 96Mi was too small", "exit code 137"],
    ),
    "a Secret that is missing": (
        {"env": {"DB_PASSWORD": {"valueFrom": {"secretKeyRef": {"name": "wallet-db", "key": "password"}}}}},
        ["CreateContainerConfigError", 'secret "wallet-db" not found'],
    ),
    "a key of a Secret that is missing": (
        {"env": {"DB_PASSWORD": {"valueFrom": {"secretKeyRef": {"name": "wallet-keys", "key": "passwort"}}}}},
        ["CreateContainerConfigError", "couldn't find key passwort in Secret exchange/wallet-keys"],
    ),
    "no node has room": (
        {"resources": {"requests": {"cpu": "64"}}},
        ["wallet made no progress for 6 s", "Insufficient cpu", "wallet requests cpu 64"],
    ),
    "an image name that is none": (
        {"images": {"wallet": f"{Settings.from_environment().registry}/Exchange/wallet:1"}},
        ["InvalidImageName"],
    ),
    "an image that is gone": (
        {"version": "9.9.9"},
        ["ErrImagePull|ImagePullBackOff", "wallet:9.9.9: not found"],
    ),
    "a quota that is used up": (
        {"env": {"A": "b"}},
        ["wallet made no progress for 6 s", "exceeded quota: pods"],
    ),
    "an admission policy that refuses": ({}, ["wallet made no progress for 6 s", "this image is not signed"]),
    **{
        fault: (
            {"env": {"FAULT_EXIT_AFTER": str(seconds)}, "timeout": 120},
            ["wallet will not become ready", "exit code 4"],
        )
        for fault, seconds in CRASHES_AFTER.items()
    },
}
# One for each way in which a version fails: the container, its settings, the scheduler, the server, and later. The
# others differ in what has to be said, which the unit tests hold by objects captured from a cluster.
IN_TEST = {
    "never ready",
    "a Secret that is missing",
    "no node has room",
    "a quota that is used up",
    "crashes later",
}


@pytest.mark.parametrize("fault", split(BROKEN, IN_TEST))
def test_a_bad_version_is_explained_and_undone_without_a_lost_request(
    fault: str, playbooks: Playbooks, kubectl: Kubectl, load: t.Any, objects: t.Callable[..., None]
) -> None:
    service, said = BROKEN[fault]
    if "Secret" in fault:
        objects(
            {
                "apiVersion": "v1",
                "kind": "Secret",
                "metadata": {"name": "wallet-keys"},
                "stringData": {"password": "planted-s3cr3t"},
            }
        )
    if "quota" in fault:
        quota = {
            "apiVersion": "v1",
            "kind": "ResourceQuota",
            "metadata": {"name": "pods"},
            "spec": {"hard": {"pods": str(2 * len(SERVICES))}},
        }
        objects(quota)
    if "admission" in fault:
        objects(*denied(f"wallet:{GOOD}"))
    if fault in CRASHES_AFTER:
        kubectl(
            "patch",
            "deployment",
            "wallet",
            "-p",
            json.dumps({"spec": {"minReadySeconds": CRASHES_AFTER[fault] + 15}}),
        )
        # Those that run have not been ready for as long as that either, if they are young.
        kubectl("wait", "deployment", "wallet", "--for=condition=Available", "--timeout=55s")
    before = kubectl.deployments()["wallet"]["spec"]
    with load(rate=RATE) as traffic:
        outcome = playbooks.release(GOOD, *one_service("wallet", **service))
    output = outcome.out + outcome.err
    assert outcome.rc != 0 and all(re.search(re.escape(text).replace(r"\|", "|"), output) for text in said), (
        output
    )
    assert kubectl.deployments()["wallet"]["spec"] == before
    status = kubectl.deployments()["wallet"]["status"]
    assert status["updatedReplicas"] == status["availableReplicas"] == status["replicas"] == 2, status
    # A pod that ends in the middle of its work takes what it was
    # doing with it; every other fault costs nothing at all.
    allowed = 0 if fault not in CRASHES_AFTER else traffic["sent"] // 50
    assert traffic["failed"] <= allowed and traffic["sent"] > 800, traffic
    assert "planted" not in output and "Next: " in output


@pytest.fixture
def proxied(sandbox: t.Any, tmp_path: Path) -> t.Iterator[t.Callable[[t.Any], tuple[FaultProxy, list[str]]]]:
    """Makes a proxy with a rule; gives it and the arguments that send a playbook through it."""
    with contextlib.ExitStack() as stack:

        def make(rule: t.Any) -> tuple[FaultProxy, list[str]]:
            proxy = FaultProxy(sandbox.kubeconfig, rule)
            return proxy, ["-e", f"release_kubeconfig={stack.enter_context(proxy.running(tmp_path))}"]

        yield make


def test_watches_that_are_cut_and_versions_that_are_too_old_cost_nothing(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any, proxied: t.Any
) -> None:
    turn = itertools.count()
    proxy, through = proxied(
        lambda method, path: ("gone" if next(turn) % 3 == 2 else "cut") if "watch=1" in path else None
    )
    with load(rate=RATE) as traffic:
        outcome = playbooks.run("playbooks/rollout.yml", GOOD, *through, *three_services())
    assert outcome.rc == 0 and {kubectl.versions()[name] for name in THREE_SERVICES} == {GOOD}, (
        outcome.out + outcome.err
    )
    assert {fault for _method, _path, fault in proxy.faults} == {"cut", "gone"} and len(proxy.faults) > 5
    assert traffic["failed"] == 0, traffic


def test_bursts_of_429_and_500_and_lost_answers_cost_nothing(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any, proxied: t.Any
) -> None:
    chance = random.Random(4)
    proxy, through = proxied(
        lambda method, path: (
            chance.choice([429, 500, 503, "lost"])
            if chance.random() < 0.3 and "watch=1" not in path
            else None
        )
    )
    with load(rate=RATE) as traffic:
        outcome = playbooks.release(GOOD, *through, *three_services())
    assert outcome.rc == 0 and {kubectl.versions()[name] for name in THREE_SERVICES} == {GOOD}, (
        outcome.out + outcome.err
    )
    assert {fault for _method, _path, fault in proxy.faults} == {429, 500, 503, "lost"} and any(
        method == "PATCH" for method, _path, _fault in proxy.faults
    )
    waves = [
        entry["wave"]
        for entry in kubectl.record(GOOD)
        if entry["kind"] == "wave" and entry["phase"] == "ended"
    ]
    assert waves == [1, 2, 3] and traffic["failed"] == 0, traffic


@pytest.mark.soak
def test_somebody_who_writes_all_the_while_is_no_obstacle_and_loses_nothing(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any
) -> None:
    stop, wrote = threading.Event(), []

    def write() -> None:
        for number in itertools.count():
            if stop.is_set():
                return
            kubectl("annotate", "deployments", "--all", "--overwrite", f"team/last={number}")
            wrote.append(number)

    other = threading.Thread(target=write)
    other.start()
    try:
        with load(rate=RATE) as traffic:
            outcome = playbooks.run("playbooks/rollout.yml", GOOD, *three_services())
    finally:
        stop.set()
        other.join()
    assert outcome.rc == 0 and {kubectl.versions()[name] for name in THREE_SERVICES} == {GOOD}, (
        outcome.out + outcome.err
    )
    assert {thing["metadata"]["annotations"]["team/last"] for thing in kubectl.deployments().values()} == {
        str(wrote[-1])
    } and len(wrote) > 10
    assert traffic["failed"] == 0, traffic


def in_mid_wave(playbooks: Playbooks, act: t.Callable[[], object], *more: str) -> tuple[int, str]:
    """Runs a release of wallet alone, and acts once its new pods are being made."""
    alone = one_service("wallet", env={"FAULT_READY_AFTER": 4})
    with playbooks.start("playbooks/release.yml", GOOD, *alone, *more, stdout=subprocess.PIPE) as run:
        lines = []
        for line in t.cast("t.IO[str]", run.stdout):
            lines.append(line)
            if "wallet: " in line and "updated" in line:
                act()
                break
        lines += run.communicate(timeout=120)[0]
    return run.returncode, "".join(lines)


def test_a_rollout_by_somebody_else_is_noticed_and_they_are_named(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any
) -> None:
    image = f"{playbooks.environment['DEMO_REGISTRY']}/wallet:1.2.0"
    with load(rate=RATE) as traffic:
        code, output = in_mid_wave(
            playbooks, lambda: kubectl("set", "image", "deployment/wallet", f"wallet={image}")
        )
    assert (
        code != 0
        and "Somebody else changed Deployment wallet while it rolled out: kubectl-set at" in output
        and f"live {image}" in output
    ), output
    assert kubectl.versions()["wallet"] == FIRST and traffic["failed"] == 0, traffic


def test_a_deployment_that_is_deleted_in_mid_wave_is_reported(playbooks: Playbooks, kubectl: Kubectl) -> None:
    code, output = in_mid_wave(playbooks, lambda: kubectl("delete", "deployment", "wallet"))
    assert (
        code != 0
        and "Deployment wallet was deleted while it rolled out." in output
        and "now: wallet deleted" in output
    ), output
    assert (
        "can only be partly rolled back" in output
        and "no workload named wallet" in output
        and "wallet" not in kubectl.versions()
    )


@pytest.mark.alone
def test_a_node_that_is_drained_in_mid_wave_with_budgets_in_the_way_costs_nothing(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any, objects: t.Callable[..., None]
) -> None:
    budget = {"apiVersion": "policy/v1", "kind": "PodDisruptionBudget"}
    objects(
        *(
            {
                **budget,
                "metadata": {"name": name},
                "spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": name}}},
            }
            for name in SERVICES
        )
    )
    node = kubectl("get", "nodes", "-o", "name").split()[0]

    def drain() -> None:
        # The only node: each service loses one pod, then the budgets
        # stand in the way, and new pods find no place.
        command = kubectl.command(
            "drain",
            node,
            "--ignore-daemonsets",
            "--delete-emptydir-data",
            "--pod-selector",
            "app",
            "--timeout=4s",
        )
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert "evicting pod exchange/" in done.stderr + done.stdout and done.returncode != 0, (
            done.stdout + done.stderr
        )
        kubectl("uncordon", node)

    try:
        with load(rate=RATE) as traffic:
            code, output = in_mid_wave(playbooks, drain, "-e", "release_stuck_after=30")
    finally:
        kubectl("uncordon", node)
    assert code == 0 and kubectl.versions()["wallet"] == GOOD, output
    assert traffic["failed"] == 0, traffic


def test_a_namespace_that_is_not_there_and_a_certificate_that_expired_are_reported_in_a_sentence(
    playbooks: Playbooks, kubectl: Kubectl, sandbox: t.Any, tmp_path: Path
) -> None:
    outcome = playbooks.release(GOOD, "-e", "release_namespace=exchang")
    assert (
        outcome.rc != 0
        and "None of the 9 services is in namespace exchang; nothing was changed." in outcome.out
    ), outcome.out
    config = yaml.safe_load(sandbox.kubeconfig.read_text())
    config["users"][0]["user"] = expired(tmp_path)
    (tmp_path / "expired.yml").write_text(yaml.safe_dump(config))
    began = time.monotonic()
    outcome = playbooks.release(GOOD, "-e", f"release_kubeconfig={tmp_path / 'expired.yml'}")
    assert outcome.rc != 0 and time.monotonic() - began < 20
    assert "expired" in outcome.out and "Next: " in outcome.out, outcome.out


def expired(folder: Path) -> dict[str, str]:
    """A client certificate whose last day is long past."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "releaser")])
    builder = x509.CertificateBuilder(
        name, name, key.public_key(), 1, datetime.datetime(2020, 1, 1), datetime.datetime(2020, 1, 2)
    )
    paths = {"client-certificate": folder / "certificate.pem", "client-key": folder / "key.pem"}
    paths["client-certificate"].write_bytes(
        builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
    )
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    paths["client-key"].write_bytes(key.private_bytes(*form))
    return {name: str(path) for name, path in paths.items()}
