# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The sandbox is what it says it is: real pods, names, logs,
ingress, metrics, faults, and no request lost in a rollout.
"""

from __future__ import annotations

import json
import time
import typing as t
import urllib.error
import urllib.parse
import urllib.request

import pytest

from sandbox.demo.demo_services import SERVICES, Image
from sandbox.demo.demo_target import DemoTarget
from tests.integration.support.kubectl import Kubectl
from tests.integration.support.running_sandbox import LoadFactory, Sandbox
from tests.integration.support.waiting import wait_for


def fetch(url: str, **headers: str) -> tuple[int, t.Any]:
    request = urllib.request.Request(url, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as problem:
        return problem.code, json.loads(problem.read())


def pods(kubectl: Kubectl, service: str) -> list[dict[str, t.Any]]:
    items: list[dict[str, t.Any]] = json.loads(kubectl("get", "pods", "-l", f"app={service}", "-o", "json"))[
        "items"
    ]
    return [pod for pod in items if "deletionTimestamp" not in pod["metadata"]]


def change(kubectl: Kubectl, service: str, *variables: str) -> None:
    kubectl("set", "env", f"deployment/{service}", *variables)
    kubectl("rollout", "status", f"deployment/{service}", "--timeout=60s")


def test_containers_are_real_and_their_logs_can_be_read(
    platform: DemoTarget, sandbox: Sandbox, kubectl: Kubectl
) -> None:
    assert "auth 1.0.0 listens on :8080" in kubectl("logs", "deployment/auth")
    uid = pods(kubectl, "auth")[0]["metadata"]["uid"]
    processes = sandbox.run("sh", "-c", f"grep -l pod{uid} /proc/[0-9]*/cgroup | wc -l")
    assert int(processes.stdout) >= 2  # the pause process and the service


def served_by(platform: DemoTarget) -> str:
    with urllib.request.urlopen(f"{platform.settings.ingress_url}/api/v1/markets", timeout=10) as answer:
        assert json.load(answer)["data"][0]["symbol"] == "BTC-USD"
        return str(answer.headers["X-Served-By"])


def test_services_find_each_other_by_name_and_the_gateway_really_calls_them(platform: DemoTarget) -> None:
    wait_for(lambda: served_by(platform) == "api-gateway/1.0.0, trading/1.0.0")


def test_a_name_outside_the_cluster_does_not_exist(platform: DemoTarget, kubectl: Kubectl) -> None:
    assert kubectl("exec", "deployment/auth", "--", "/exchange", "-resolve", "wallet").startswith("10.96.")
    assert "no such host" in kubectl("exec", "deployment/auth", "--", "/exchange", "-resolve", "example.com")


def test_login_gives_a_token_that_opens_the_balances(platform: DemoTarget) -> None:
    url = platform.settings.ingress_url
    assert fetch(f"{url}/api/v1/wallets/balances")[0] == 401
    body = json.dumps({"email": "test@example.com", "password": "Test123!"}).encode()
    with urllib.request.urlopen(
        urllib.request.Request(f"{url}/api/v1/auth/login", body), timeout=10
    ) as answer:
        token = json.load(answer)["data"]["accessToken"]
    assert fetch(f"{url}/api/v1/wallets/balances", Authorization=f"Bearer {token}") == (
        200,
        {
            "success": True,
            "data": [{"asset": "BTC", "available": "0.50000000"}, {"asset": "USD", "available": "1250.00"}],
        },
    )


def test_prometheus_has_series_of_every_service_and_of_the_ingress(platform: DemoTarget) -> None:
    def value(query: str) -> float:
        url = f"{platform.settings.prometheus_url}/api/v1/query?query={urllib.parse.quote(query)}"
        results = fetch(url)[1]["data"]["result"]
        return float(results[0]["value"][1]) if results else 0.0

    fetch(f"{platform.settings.ingress_url}/api/v1/markets")
    wait_for(
        lambda: value("count(count by (service) (http_requests_total{version='1.0.0'}))") == len(SERVICES)
    )
    # A code nobody has answered with yet is a series of zero, not an absent one.
    assert value("count(http_requests_total{service='wallet', code='500'})") == 2
    wait_for(lambda: value("sum(traefik_service_requests_total)") > 0)
    wait_for(
        lambda: value("sum(up{job='pods'})") == 2 * len(SERVICES)
    )  # pods of an earlier test may still be leaving


@pytest.mark.soak
def test_no_request_is_lost_while_kubectl_rolls_all_nine_services(
    platform: DemoTarget, kubectl: Kubectl, load: LoadFactory
) -> None:
    with load(rate=200) as traffic:
        for service in SERVICES:
            kubectl(
                "set",
                "image",
                f"deployment/{service}",
                f"{service}={platform.images.registry}/{service}:1.1.0",
            )
            kubectl("rollout", "status", f"deployment/{service}", "--timeout=60s")
        wait_for(lambda: served_by(platform).startswith("api-gateway/1.1.0"))
    assert traffic["failed"] == 0 and traffic["sent"] > 1000, traffic
    assert {service: set(counts) for service, counts in traffic["answers"].items()} == dict.fromkeys(
        SERVICES, {"1.0.0", "1.1.0"}
    )


def test_the_load_generator_sees_failures(platform: DemoTarget, kubectl: Kubectl, load: LoadFactory) -> None:
    change(kubectl, "trading", "FAULT_ERROR_PERCENT=100")
    with load(rate=50) as traffic:
        wait_for(lambda: any(failures(kubectl, pod) > 30 for pod in pods(kubectl, "trading")))
    # Markets and orders are two of ten requests.
    assert 0.1 < traffic["failed"] / traffic["sent"] < 0.3
    assert traffic["samples"][0]["status"] == 500 and "FAULT_ERROR_PERCENT" in traffic["samples"][0]["body"]
    assert traffic["first_failure"] <= traffic["last_failure"]


def failures(kubectl: Kubectl, pod: dict[str, t.Any]) -> int:
    metrics = kubectl(
        "get", "--raw", f"/api/v1/namespaces/exchange/pods/{pod['metadata']['name']}:8080/proxy/metrics"
    )
    return int(next(line for line in metrics.splitlines() if 'code="500"' in line).split()[-1])


@pytest.mark.soak
def test_fault_exit_at_start(platform: DemoTarget, kubectl: Kubectl) -> None:
    kubectl("set", "image", "deployment/wallet", f"wallet={platform.images.registry}/wallet:1.2.0")
    ended = wait_for(lambda: [end for pod in pods(kubectl, "wallet") if (end := last_end(pod))])
    assert ended[0]["exitCode"] == 3
    new = next(pod["metadata"]["name"] for pod in pods(kubectl, "wallet") if last_end(pod))
    assert kubectl("logs", new).strip() == "fatal: wallet ledger schema 41 is older than required 42"


def last_end(pod: dict[str, t.Any]) -> dict[str, t.Any] | None:
    for status in pod["status"].get("containerStatuses", []):
        for kind in ("state", "lastState"):
            if ended := status.get(kind, {}).get("terminated"):
                return t.cast("dict[str, t.Any]", ended)
    return None


@pytest.mark.soak
def test_fault_of_memory_ends_by_the_kernel(platform: DemoTarget, kubectl: Kubectl) -> None:
    kubectl("set", "env", "deployment/kyc", "FAULT_LEAK_MB_PER_SECOND=60")
    ended = wait_for(
        lambda: [
            end for pod in pods(kubectl, "kyc") if (end := last_end(pod)) and end["reason"] == "OOMKilled"
        ]
    )
    assert ended[0]["exitCode"] == 137


@pytest.mark.soak
def test_faults_of_readiness(platform: DemoTarget, kubectl: Kubectl) -> None:
    kubectl("set", "env", "deployment/user", "FAULT_NEVER_READY=1")
    kubectl("set", "env", "deployment/kyc", "FAULT_READY_AFTER=4")
    began = time.monotonic()
    kubectl("rollout", "status", "deployment/kyc", "--timeout=60s")
    assert time.monotonic() - began > 8  # two pods, one after the other
    conditions = [
        {c["type"]: c["status"] for c in pod["status"]["conditions"]} for pod in pods(kubectl, "user")
    ]
    assert sorted(found["Ready"] for found in conditions) == ["False", "True", "True"]


def test_fault_of_latency_and_the_two_modes(platform: DemoTarget, kubectl: Kubectl) -> None:
    url = platform.settings.ingress_url
    change(kubectl, "trading", "FAULT_LATENCY_MS=300")

    def slow() -> bool:
        began = time.monotonic()
        status = fetch(f"{url}/api/v1/markets")[0]
        return status == 200 and time.monotonic() - began >= 0.3

    wait_for(slow)  # an old pod, of the fault before, answers until its end has reached every proxy
    change(kubectl, "trading", "FAULT_LATENCY_MS-", "MAINTENANCE_MODE=true")
    wait_for(lambda: fetch(f"{url}/api/v1/markets") == (503, {"success": False, "error": {
        "code": "MAINTENANCE", "message": "the platform is being maintained, try again soon"}}))  # fmt: skip
    change(kubectl, "api-gateway", "READ_ONLY=true")

    def order() -> tuple[int, str]:
        request = urllib.request.Request(f"{url}/api/v1/orders", b"{}", method="POST")
        with pytest.raises(urllib.error.HTTPError) as refusal:
            urllib.request.urlopen(request, timeout=10)
        return refusal.value.code, json.loads(refusal.value.read())["error"]["code"]

    wait_for(lambda: order() == (503, "READ_ONLY"))


def test_fault_of_a_service_that_does_not_heed_sigterm(platform: DemoTarget, kubectl: Kubectl) -> None:
    change(kubectl, "auth", "FAULT_IGNORE_SIGTERM=1")
    name = pods(kubectl, "auth")[0]["metadata"]["name"]
    began = time.monotonic()
    kubectl("delete", "pod", name, "--grace-period=7")
    assert time.monotonic() - began > 6.5  # a healthy one leaves after four seconds


@pytest.mark.soak
def test_any_service_can_be_made_bad(platform: DemoTarget, kubectl: Kubectl) -> None:
    reference = platform.publish(Image("payment", "9.0.0", {"FAULT_EXIT_AT_START": "7"}))
    kubectl("set", "image", "deployment/payment", f"payment={reference}")
    ended = wait_for(lambda: [end for pod in pods(kubectl, "payment") if (end := last_end(pod))])
    assert ended[0]["exitCode"] == 7


def test_the_audit_log_tells_who_wrote_what(platform: DemoTarget, sandbox: Sandbox, kubectl: Kubectl) -> None:
    kubectl("annotate", "deployment/auth", "example.com/mark=1")

    def found() -> list[dict[str, t.Any]]:
        lines = [
            json.loads(line)
            for line in sandbox.audit_log.read_text().splitlines()
            if "exchange/deployments/auth" in line
        ]
        return [line for line in lines if line["verb"] == "patch" and line["userAgent"].startswith("kubectl")]

    assert wait_for(found)[-1]["user"]["username"] == "sandbox-admin"
