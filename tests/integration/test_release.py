# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


"""The first release on a real cluster. Every test looks at the cluster and the traffic, not at our own results alone."""

from __future__ import annotations

import datetime
import json
import random
import subprocess
import threading
import typing as t

import pytest

from tests.integration.playbook import SERVICES, Kubectl, Playbooks, kill

GOOD, BAD, BEFORE = "1.1.0", "1.2.0", "1.0.0"
LAST_LINE = "fatal: wallet ledger schema 41 is older than required 42"


def on(version: str) -> dict[str, str]:
    return dict.fromkeys(SERVICES, version)


def test_a_good_release_goes_through_under_load_and_the_second_run_changes_nothing(playbooks: Playbooks, kubectl: Kubectl, load: t.Any) -> None:
    with load(rate=200) as traffic:
        outcome = playbooks.release(GOOD)
    assert outcome.rc == 0, outcome.out + outcome.err
    assert kubectl.versions() == on(GOOD)
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
    assert report.count("sha256:") == len(SERVICES) and "balances of the user who logged in | passed" in report
    assert "sandbox  wallet: 1.0.0 -> 1.1.0" in outcome.err and "wallet: settled after" in outcome.err
    assert "Test123!" not in outcome.out + outcome.err + report + json.dumps(kubectl.record(GOOD))

    before = kubectl.resource_versions()
    again = playbooks.release(GOOD)
    assert again.rc == 0 and again.recap["changed"] == 0, again.out
    assert kubectl.resource_versions() == before and playbooks.report(GOOD) == report


def test_a_bad_release_is_told_within_ten_seconds_of_its_first_crash_and_undone_without_a_lost_request(
    playbooks: Playbooks, kubectl: Kubectl, load: t.Any, first_crash: dict[str, str]
) -> None:
    with load(rate=200) as traffic:
        outcome = playbooks.release(BAD)
    assert outcome.rc != 0
    assert kubectl.versions() == on(BEFORE)
    assert all(thing["status"]["updatedReplicas"] == thing["status"]["availableReplicas"] == 2 for thing in kubectl.deployments().values())
    assert traffic["failed"] == 0 and traffic["sent"] > 1000, traffic

    told = outcome.out + outcome.err
    assert f"wallet: pod {first_crash['pod']}, container wallet: CrashLoopBackOff, exit code 3" in told and LAST_LINE in told
    record = kubectl.record(BAD)
    gave_up = next(entry for entry in record if entry.get("failed"))
    seconds = (datetime.datetime.fromisoformat(gave_up["at"]) - datetime.datetime.fromisoformat(first_crash["at"])).total_seconds()
    assert 0 <= seconds <= 10
    undone = [workload["name"] for entry in record if entry["kind"] == "rollback" and entry["phase"] == "ended" for workload in entry["workloads"]]
    assert undone.index("auth") == len(undone) - 1 and set(undone) == {"auth", "user", "kyc", "wallet", "compliance", "payment"}
    report = playbooks.report(BAD)
    assert "failed and was rolled back" in report and LAST_LINE in report


def test_check_mode_shows_the_plan_and_writes_nothing(playbooks: Playbooks, kubectl: Kubectl, sandbox: t.Any) -> None:
    before, log = kubectl.versions(), sandbox.audit_log.read_text()
    outcome = playbooks.release(GOOD, "--check", "--diff")
    assert outcome.rc == 0, outcome.out + outcome.err
    assert [f"would change {name}: 1.0.0 -> 1.1.0" in outcome.err for name in SERVICES] == [True] * len(SERVICES)
    assert "exchange/wallet:1.1.0" in outcome.out  # the diff
    assert kubectl.versions() == before and not playbooks.reports.exists()
    # The API server's own account of what we asked it: reads, and nothing else.
    requests = [json.loads(line) for line in sandbox.audit_log.read_text().removeprefix(log).splitlines() if '"userAgent":"runbook.release"' in line]
    assert {request["verb"] for request in requests} == {"get", "list"}


def test_a_wrong_inventory_is_refused_in_one_error_before_anything_changes(playbooks: Playbooks, kubectl: Kubectl) -> None:
    before = kubectl.resource_versions()
    wrong = {"release_timeout": "soon", "release_servces": [], "release_services": [{"name": "auth", "after": ["wallett"]}, {"name": "wallet", "prt": 1}]}
    outcome = playbooks.release(GOOD, "-e", json.dumps(wrong))
    assert outcome.rc != 0 and kubectl.resource_versions() == before
    told = outcome.out + outcome.err
    for said in (
        "4 problems in the description of the platform; nothing was changed.",
        "release_timeout: found 'soon' (string); allowed: an integer from 1",
        "release_servces: unknown variable (did you mean release_services?)",
        "release_services[1] (wallet).prt: unknown key (did you mean port?)",
        "service auth comes after wallett, which is not a service (did you mean wallet?)",
    ):
        assert said in told, told


def test_services_that_are_not_in_the_cluster_are_all_named_before_anything_changes(playbooks: Playbooks, kubectl: Kubectl) -> None:
    before = kubectl.resource_versions()
    outcome = playbooks.release(GOOD, "-e", json.dumps({"release_services": [{"name": "auth"}, {"name": "walet"}, {"name": "ledger"}]}))
    assert outcome.rc != 0 and kubectl.resource_versions() == before
    assert "walet: there is no Deployment of this name (did you mean wallet?)" in outcome.out and "ledger: there is no Deployment" in outcome.out


def test_an_inventory_without_a_cluster_is_refused(playbooks: Playbooks) -> None:
    command = [part if part != "inventories/sandbox" else "localhost," for part in playbooks.command("playbooks/release.yml", GOOD)]
    done = subprocess.run(command, env=playbooks.environment, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode != 0 and "no host in the group kubernetes" in done.stdout


@pytest.mark.parametrize("then", ["release", "rollback"])
def test_killed_at_any_moment_it_converges_when_it_is_run_again_or_rolled_back(playbooks: Playbooks, kubectl: Kubectl, then: str) -> None:
    running = playbooks.start("playbooks/rollout.yml", GOOD)
    moment = random.Random(then).randint(3, 20)
    for count, line in enumerate(t.cast("t.IO[str]", running.stderr), start=1):
        if count >= moment and "settled" not in line:
            break
    kill(running)
    between = kubectl.versions()
    assert set(between.values()) <= {BEFORE, GOOD} and GOOD in between.values()

    if then == "release":
        outcome = playbooks.release(GOOD)
        assert outcome.rc == 0 and kubectl.versions() == on(GOOD), outcome.out + outcome.err
        outcome = playbooks.run("playbooks/rollback.yml", GOOD)  # the first baseline was kept
    else:
        outcome = playbooks.run("playbooks/rollback.yml", GOOD)
    assert outcome.rc == 0 and kubectl.versions() == on(BEFORE), outcome.out + outcome.err
    assert playbooks.run("playbooks/rollback.yml", GOOD).recap["changed"] == 0


def test_a_smoke_test_that_fails_after_the_rollout_takes_the_release_back(playbooks: Playbooks, kubectl: Kubectl) -> None:
    wanted = {"release_smoke": [{"name": "a page that is not there", "path": "/api/v1/nowhere"}]}
    outcome = playbooks.release(GOOD, "-e", json.dumps(wanted))
    assert outcome.rc != 0 and kubectl.versions() == on(BEFORE), outcome.out + outcome.err
    assert "a page that is not there: answered 404, wanted 200" in outcome.out
    assert "a page that is not there | failed" in playbooks.report(GOOD)


def test_a_finished_release_is_not_taken_back_by_a_check_that_fails_later(playbooks: Playbooks, kubectl: Kubectl) -> None:
    assert playbooks.release(GOOD).rc == 0
    outcome = playbooks.run("playbooks/verify.yml", GOOD, "-e", json.dumps({"release_smoke": [{"path": "/api/v1/nowhere"}]}))
    assert outcome.rc != 0 and "this release was finished before" in outcome.out
    assert kubectl.versions() == on(GOOD)


def test_as_an_ordinary_module_it_does_the_same(playbooks: Playbooks, kubectl: Kubectl) -> None:
    su = {"ansible_become": True, "ansible_become_method": "ansible.builtin.su"}
    outcome = playbooks.run("playbooks/rollout.yml", GOOD, "-e", json.dumps(su))
    assert outcome.rc == 0, outcome.out + outcome.err
    assert kubectl.versions() == on(GOOD) and "settled" not in outcome.err


def test_an_api_server_that_is_not_there_is_told_in_one_sentence(playbooks: Playbooks, tmp_path: t.Any) -> None:
    config = tmp_path / "kubeconfig"
    config.write_text(
        "apiVersion: v1\nkind: Config\ncurrent-context: c\nclusters: [{name: c, cluster: {server: 'https://127.0.0.1:9'}}]\n"
        "users: [{name: u, user: {}}]\ncontexts: [{name: c, context: {cluster: c, user: u}}]\n"
    )
    outcome = playbooks.release(GOOD, "-e", f"release_kubeconfig={config}")
    assert outcome.rc != 0
    assert "The API server https://127.0.0.1:9 does not answer." in outcome.out and "Connection refused" in outcome.out


@pytest.fixture
def first_crash(platform: t.Any, kubectl: Kubectl) -> t.Iterator[dict[str, str]]:
    """Once a container has ended with code 3, the dictionary holds its pod and when the first of them ended."""
    found: dict[str, str] = {}
    with subprocess.Popen(kubectl.command("get", "pods", "--watch", "--output-watch-events", "-o", "json"), stdout=subprocess.PIPE, text=True) as watching:

        def read() -> None:
            for line in t.cast("t.IO[str]", watching.stdout):
                pod = json.loads(line)["object"]
                for status in pod["status"].get("containerStatuses", []):
                    ended = status["state"].get("terminated") or status.get("lastState", {}).get("terminated") or {}
                    if ended.get("exitCode") == 3 and not found:
                        found.update(pod=pod["metadata"]["name"], at=ended["finishedAt"])

        threading.Thread(target=read, daemon=True).start()
        yield found
        watching.terminate()
