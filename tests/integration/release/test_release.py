# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The first release on a real cluster. Every test checks the cluster and the traffic, not our own results alone."""

from __future__ import annotations

import dataclasses
import datetime
import json
import random
import re
import signal
import socket
import subprocess
import threading
import typing as t

import pytest
import yaml

from sandbox.node import start
from tests.integration.support.kubectl import NAMESPACE, Kubectl
from tests.integration.support.playbooks.demo_platform import (
    SERVICES,
    THREE_SERVICES,
    Playbooks,
    three_services,
)
from tests.integration.support.playbooks.runner import ROOT, interrupt, signal_all
from tests.integration.support.tiers import soak

GOOD, BAD, BEFORE = "1.1.0", "1.2.0", "1.0.0"
LAST_LINE = "fatal: wallet ledger schema 41 is older than required 42"


def versions_with(version: str, services: t.Sequence[str] = SERVICES) -> dict[str, str]:
    """These on that version, the others on the one before."""
    return {**dict.fromkeys(SERVICES, BEFORE), **dict.fromkeys(services, version)}


def test_a_good_release_goes_through_under_load_and_the_second_run_changes_nothing(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any
) -> None:
    with load(rate=200) as traffic:
        outcome = playbooks.release(GOOD)
    assert outcome.rc == 0, outcome.out + outcome.err
    assert kubectl.versions() == versions_with(GOOD)
    assert traffic["failed"] == 0 and traffic["sent"] > 1000, traffic
    assert set(traffic["versions"]) == {BEFORE, GOOD}

    waves = [entry for entry in kubectl.record(GOOD) if entry["kind"] == "wave"]
    assert [sorted(entry["changes"]) for entry in waves if entry["phase"] == "began"] == [
        ["auth"],
        ["kyc", "user"],
        ["compliance", "payment", "wallet"],
        ["trading"],
        ["matching-engine"],
        ["api-gateway"],
    ]
    report = playbooks.report(GOOD)
    assert "Release 1.1.0 of exchange succeeded" in report and str(playbooks.reports) in outcome.out
    assert (
        report.count("sha256:") == len(SERVICES) and "balances of the user who logged in | passed" in report
    )
    assert "sandbox  wallet: 1.0.0 -> 1.1.0" in outcome.err and "wallet: settled after" in outcome.err
    assert "Test123!" not in outcome.out + outcome.err + report + json.dumps(kubectl.record(GOOD))

    assert kubectl.lock_holder() == ""
    before = kubectl.written()
    again = playbooks.release(GOOD)
    assert again.rc == 0 and again.recap()["changed"] == 0, again.out
    assert kubectl.written() == before and playbooks.report(GOOD) == report


def test_a_bad_release_is_reported_within_ten_seconds_of_its_first_crash_and_undone_without_a_lost_request(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any, first_crash: dict[str, str]
) -> None:
    with load(rate=200) as traffic:
        outcome = playbooks.release(BAD)
    assert outcome.rc != 0
    assert kubectl.versions() == versions_with(BEFORE)
    assert all(
        thing["status"]["updatedReplicas"] == thing["status"]["availableReplicas"] == 2
        for thing in kubectl.deployments().values()
    )
    assert traffic["failed"] == 0 and traffic["sent"] > 1000, traffic

    output = outcome.out + outcome.err
    # The kubelet says Error until it has looked again, then CrashLoopBackOff.
    assert re.search(
        rf"wallet: pod {first_crash['pod']}, container wallet: (Error|CrashLoopBackOff), exit code 3, restarted 1 time",
        output,
    ), output
    assert LAST_LINE in output
    record = kubectl.record(BAD)
    gave_up = next(entry for entry in record if entry.get("failed"))
    seconds = (
        datetime.datetime.fromisoformat(gave_up["at"]) - datetime.datetime.fromisoformat(first_crash["at"])
    ).total_seconds()
    assert 0 <= seconds <= 10
    undone = [
        workload["name"]
        for entry in record
        if entry["kind"] == "rollback" and entry["phase"] == "ended"
        for workload in entry["workloads"]
    ]
    assert undone.index("auth") == len(undone) - 1 and set(undone) == {
        "auth",
        "user",
        "kyc",
        "wallet",
        "compliance",
        "payment",
    }
    report = playbooks.report(BAD)
    assert "failed and was rolled back" in report and LAST_LINE in report


@pytest.fixture
def broker() -> t.Iterator[socket.socket]:
    """A dependency of the platform. Whoever connects finds it listening until it is closed."""
    with socket.create_server(("127.0.0.1", 0)) as listening:
        yield listening


def test_what_the_platform_depends_on_is_checked_before_and_what_breaks_meanwhile_takes_the_release_back(
    playbooks: Playbooks, kubectl: Kubectl, broker: socket.socket, redis: t.Any
) -> None:
    address = f"127.0.0.1:{broker.getsockname()[1]}"
    dependencies = [{"name": "message broker", "tcp": address}]
    leaning = three_services(
        release_dependencies=dependencies,
        release_redis={f"login_{name}": value for name, value in redis.login.items()},
    )

    def gone_when_it_was_seen() -> None:
        broker.accept()[0].close()
        broker.close()

    seen = threading.Thread(target=gone_when_it_was_seen)
    seen.start()
    outcome = playbooks.release(GOOD, *leaning)
    seen.join()
    assert (
        outcome.rc != 0
        and "message broker: " in outcome.out
        and "a dependency of the platform is unhealthy since the rollout" in outcome.out
    ), outcome.out
    assert len(
        [entry for entry in kubectl.record(GOOD) if entry["kind"] == "wave" and entry["phase"] == "ended"]
    ) == len(THREE_SERVICES)
    assert kubectl.versions() == versions_with(BEFORE) and "failed and was rolled back" in playbooks.report(
        GOOD
    )

    before = kubectl.written()
    refused = playbooks.release(GOOD, *leaning)
    assert (
        refused.rc != 0 and "is unhealthy; nothing was changed." in refused.out and address in refused.out
    ), refused.out
    assert kubectl.written() == before and redis.login["password"] not in outcome.out + outcome.err


@pytest.mark.alone
def test_check_mode_shows_the_plan_and_writes_nothing(
    playbooks: Playbooks, kubectl: Kubectl, sandbox: t.Any
) -> None:
    before, log = kubectl.versions(), sandbox.audit_log.read_text()
    outcome = playbooks.release(GOOD, "--check", "--diff")
    assert outcome.rc == 0, outcome.out + outcome.err
    assert [f"would change {name}: 1.0.0 -> 1.1.0" in outcome.err for name in SERVICES] == [True] * len(
        SERVICES
    )
    assert "exchange/wallet:1.1.0" in outcome.out  # the diff
    assert kubectl.versions() == before and not playbooks.reports.exists()
    # The API server's own account of what we asked it: what we may do, reads, and nothing else.
    output = sandbox.audit_log.read_text().removeprefix(log).splitlines()
    requests = [
        json.loads(line)
        for line in output
        if '"userAgent":"runbook.release"' in line and "selfsubjectaccessreviews" not in line
    ]
    assert {request["verb"] for request in requests} == {"get", "list"}


def test_a_wrong_inventory_is_refused_in_one_error_before_anything_changes(
    playbooks: Playbooks, kubectl: Kubectl
) -> None:
    before = kubectl.written()
    wrong = {
        "release_timeout": "soon",
        "release_servces": [],
        "release_services": [{"name": "auth", "after": ["wallett"]}, {"name": "wallet", "prt": 1}],
    }
    outcome = playbooks.release(GOOD, "-e", json.dumps(wrong))
    assert outcome.rc != 0 and kubectl.written() == before
    output = outcome.out + outcome.err
    for said in (
        "4 problems in the description of the platform; nothing was changed.",
        "release_timeout: found 'soon' (string); allowed: an integer from 1",
        "release_servces: unknown variable (did you mean release_services?)",
        "release_services[1] (wallet).prt: unknown key (did you mean port?)",
        "service auth comes after wallett, which is not a service (did you mean wallet?)",
    ):
        assert said in output, output


def test_services_that_are_not_in_the_cluster_are_all_named_before_anything_changes(
    playbooks: Playbooks, kubectl: Kubectl
) -> None:
    before = kubectl.written()
    outcome = playbooks.release(
        GOOD,
        "-e",
        json.dumps({"release_services": [{"name": "auth"}, {"name": "walet"}, {"name": "ledger"}]}),
    )
    assert outcome.rc != 0 and kubectl.written() == before
    assert (
        "walet: there is no workload of this name (did you mean wallet?)" in outcome.out
        and "ledger: there is no workload" in outcome.out
    )


def test_an_inventory_without_a_cluster_is_refused(playbooks: Playbooks) -> None:
    done = playbooks.run("playbooks/release.yml", GOOD, inventory="localhost,")
    assert done.rc != 0 and "no host in the group release_targets" in done.out


@dataclasses.dataclass(frozen=True)
class Interruption:
    """
    :ivar number: draws the moment, so that a failure can be had again.
    """

    number: int
    how: signal.Signals
    services: t.Sequence[str] = tuple(THREE_SERVICES)

    @property
    def arguments(self) -> list[str]:
        return three_services() if len(self.services) < len(SERVICES) else []

    @property
    def moment(self) -> int:
        """The line of progress after which it comes."""
        return random.Random(self.number).randint(2, 30 if len(self.services) == len(SERVICES) else 12)

    def __str__(self) -> str:
        return f"{len(self.services)} services-{self.how.name}-{self.number}"


HOW = (signal.SIGKILL, signal.SIGINT, signal.SIGTERM)
INTERRUPTIONS = [
    Interruption(0, signal.SIGKILL),
    Interruption(1, signal.SIGINT),
    soak(Interruption(2, signal.SIGTERM)),
    *(soak(Interruption(number, HOW[number % 3], SERVICES)) for number in range(20)),
]


@pytest.mark.parametrize("interruption", INTERRUPTIONS, ids=str)
def test_interrupted_at_any_moment_it_converges_when_it_is_run_again_or_rolled_back(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any, interruption: Interruption
) -> None:
    arguments, number = interruption.arguments, interruption.number
    with load(rate=200) as traffic:
        running = playbooks.start("playbooks/rollout.yml", GOOD, *arguments)
        for count, _line in enumerate(t.cast("t.IO[str]", running.stderr), start=1):
            if count == interruption.moment:
                break
        if interruption.how is signal.SIGKILL:
            signal_all(running, signal.SIGKILL)  # the controller and its workers: the machine is gone
            running.communicate(timeout=30)
        else:
            interrupt(running, interruption.how)
        assert set(kubectl.versions().values()) <= {BEFORE, GOOD}

        if number % 2 == 0:
            outcome = playbooks.release(GOOD, *arguments)
            assert outcome.rc == 0, outcome.output
            assert kubectl.versions() == versions_with(GOOD, interruption.services), outcome.output
        # Back to what ran before the first run: its baseline was kept through the interruption.
        outcome = playbooks.run("playbooks/rollback.yml", GOOD, *arguments)
        assert outcome.rc == 0 and kubectl.versions() == versions_with(BEFORE), outcome.output
    assert traffic["failed"] == 0, json.dumps(traffic)
    assert playbooks.run("playbooks/rollback.yml", GOOD, *arguments).recap()["changed"] == 0


def test_an_image_that_is_not_in_the_registry_is_reported_in_the_registrys_words_and_undone(
    playbooks: Playbooks, kubectl: Kubectl
) -> None:
    outcome = playbooks.release("9.9.9")
    assert outcome.rc != 0 and kubectl.versions() == versions_with(BEFORE), outcome.out
    assert (
        re.search(r"auth: pod auth-\S+, container auth: (ErrImagePull|ImagePullBackOff)", outcome.out)
        and "auth:9.9.9: not found" in outcome.out
    )
    assert "user: 1.0.0 -> 9.9.9" not in outcome.err


@pytest.mark.alone
def test_an_api_server_that_is_killed_and_restarted_in_mid_wave_costs_nothing(
    playbooks: Playbooks, kubectl: Kubectl, sandbox: t.Any, load: t.Any
) -> None:
    with load(rate=200) as traffic:
        running = playbooks.start("playbooks/rollout.yml", GOOD, *three_services())
        next(line for line in t.cast("t.IO[str]", running.stderr) if "settled" in line)
        subprocess.run(
            ["pkill", "-KILL", "-f", f"{sandbox.demo.programs}/controlplane apiserver"], check=True
        )
        start.bring_up(sandbox.settings)
        _out, output = running.communicate(timeout=200)
    assert running.returncode == 0 and kubectl.versions() == versions_with(GOOD, THREE_SERVICES), output
    assert traffic["failed"] == 0 and traffic["sent"] > 1000, traffic


def test_a_second_release_is_refused_while_one_is_under_way_and_a_stalled_one_stops_when_its_lock_is_taken(
    playbooks: Playbooks, kubectl: Kubectl
) -> None:
    stalled = playbooks.start("playbooks/rollout.yml", GOOD, *three_services())
    next(line for line in t.cast("t.IO[str]", stalled.stderr) if "settled" in line)
    signal_all(stalled, signal.SIGSTOP)
    between = kubectl.versions()
    assert GOOD in between.values() and BEFORE in between.values()

    refused = playbooks.release(BAD, *three_services())
    assert (
        refused.rc != 0
        and "Another release is under way in namespace exchange" in refused.out
        and f"for release {GOOD}" in refused.out
    )
    assert kubectl.versions() == between

    taken = playbooks.run("playbooks/rollback.yml", GOOD, *three_services(release_lock_force=True))
    assert taken.rc == 0 and kubectl.versions() == versions_with(BEFORE), taken.out + taken.err
    signal_all(stalled, signal.SIGCONT)
    _out, output = stalled.communicate(timeout=120)
    assert stalled.returncode != 0 and kubectl.versions() == versions_with(BEFORE), output


def test_a_smoke_test_that_fails_after_the_rollout_takes_the_release_back(
    playbooks: Playbooks, kubectl: Kubectl
) -> None:
    outcome = playbooks.release(
        GOOD, *three_services(release_smoke=[{"name": "a page that is not there", "path": "/api/v1/nowhere"}])
    )
    assert outcome.rc != 0 and kubectl.versions() == versions_with(BEFORE), outcome.out + outcome.err
    assert "a page that is not there: answered 404, wanted 200" in outcome.out
    assert "a page that is not there | failed" in playbooks.report(GOOD)


def test_a_finished_release_is_not_taken_back_by_a_check_that_fails_later(
    playbooks: Playbooks, kubectl: Kubectl
) -> None:
    assert playbooks.release(GOOD, *three_services()).rc == 0
    outcome = playbooks.run(
        "playbooks/verify.yml", GOOD, *three_services(release_smoke=[{"path": "/api/v1/nowhere"}])
    )
    assert outcome.rc != 0 and "this release was finished before" in outcome.out
    assert kubectl.versions() == versions_with(GOOD, THREE_SERVICES)


def test_as_an_ordinary_module_it_does_the_same(playbooks: Playbooks, kubectl: Kubectl) -> None:
    su = three_services(ansible_become=True, ansible_become_method="ansible.builtin.su")
    outcome = playbooks.run("playbooks/rollout.yml", GOOD, *su)
    assert outcome.rc == 0, outcome.out + outcome.err
    assert kubectl.versions() == versions_with(GOOD, THREE_SERVICES) and "settled" not in outcome.err


def test_an_api_server_that_is_not_there_is_reported_in_one_sentence(
    playbooks: Playbooks, tmp_path: t.Any
) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    outcome = playbooks.release(GOOD, "-e", f"release_kubeconfig={config}")
    assert outcome.rc != 0
    assert (
        "The API server https://127.0.0.1:9 does not answer." in outcome.out
        and "Connection refused" in outcome.out
    )


@pytest.fixture
def first_crash(platform: t.Any, kubectl: Kubectl) -> t.Iterator[dict[str, str]]:
    """Once a container has ended with code 3, the dictionary holds its pod and when the first of them ended."""
    found: dict[str, str] = {}
    with subprocess.Popen(
        kubectl.command("get", "pods", "--watch", "--output-watch-events", "-o", "json"),
        stdout=subprocess.PIPE,
        text=True,
    ) as watching:

        def read() -> None:
            for line in t.cast("t.IO[str]", watching.stdout):
                pod = json.loads(line)["object"]
                for status in pod["status"].get("containerStatuses", []):
                    ended = (
                        status["state"].get("terminated")
                        or status.get("lastState", {}).get("terminated")
                        or {}
                    )
                    if ended.get("exitCode") == 3 and not found:
                        found.update(pod=pod["metadata"]["name"], at=ended["finishedAt"])

        threading.Thread(target=read, daemon=True).start()
        yield found
        watching.terminate()


@pytest.fixture
def limited(sandbox: t.Any, kubectl: Kubectl, tmp_path: t.Any) -> t.Callable[[list[str]], str]:
    """A kubeconfig of an account that has the documented Role, less the verbs named."""

    def make(without: list[str]) -> str:
        role = yaml.safe_load((ROOT / "docs" / "kubernetes_role.yml").read_text())
        for rule in role["rules"]:
            rule["verbs"] = [
                verb for verb in rule["verbs"] if f"{verb} {rule['resources'][0]}" not in without
            ]
        role["rules"] = [rule for rule in role["rules"] if rule["verbs"]]
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "releaser"}}
        binding = {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "releaser"},
            "roleRef": {
                "apiGroup": "rbac.authorization.k8s.io",
                "kind": "Role",
                "name": role["metadata"]["name"],
            },
            "subjects": [{"kind": "ServiceAccount", "name": "releaser", "namespace": NAMESPACE}],
        }
        manifest = tmp_path / "access.json"
        manifest.write_text(
            json.dumps({"apiVersion": "v1", "kind": "List", "items": [role, account, binding]})
        )
        kubectl("apply", "-f", str(manifest))
        config = yaml.safe_load(sandbox.kubeconfig.read_text())
        config["users"][0]["user"] = {"token": kubectl("create", "token", "releaser").strip()}
        (tmp_path / "kubeconfig").write_text(yaml.safe_dump(config))
        return str(tmp_path / "kubeconfig")

    return make


def test_the_documented_role_is_enough_for_a_release_and_its_undoing(
    playbooks: Playbooks, kubectl: Kubectl, limited: t.Callable[[list[str]], str]
) -> None:
    config = limited([])
    assert playbooks.release(BAD, *three_services(release_kubeconfig=config)).rc != 0
    assert (
        kubectl.versions() == versions_with(BEFORE)
        and "rolled back" in playbooks.report(BAD)
        and LAST_LINE in playbooks.report(BAD)
    )


def test_what_the_credentials_may_not_do_is_reported_before_anything_changes(
    playbooks: Playbooks, kubectl: Kubectl, limited: t.Callable[[list[str]], str]
) -> None:
    config = limited(
        ["patch deployments", "create leases", "update leases", "create configmaps", "patch configmaps"]
    )
    before = kubectl.written()
    outcome = playbooks.release(GOOD, "-e", f"release_kubeconfig={config}")
    assert outcome.rc != 0 and kubectl.written() == before
    for said in (
        "patch deployments (apps)",
        "create, patch configmaps",
        "create, update leases (coordination.k8s.io)",
        "nothing was changed",
    ):
        assert said in outcome.out, outcome.out
    plan = playbooks.release(GOOD, "-e", f"release_kubeconfig={config}", "--check")
    assert plan.rc == 0 and "would change wallet: 1.0.0 -> 1.1.0" in plan.err, plan.out
