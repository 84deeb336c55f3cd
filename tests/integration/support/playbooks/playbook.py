# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


"""Runs playbooks of the checkout the way a user does, and reads what they left in the cluster."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import re
import signal
import subprocess
import typing as t
from pathlib import Path

from tests.integration.support.playbooks import playbook_forkserver
from tests.integration.support.playbooks.playbook_forkserver import ROOT

NAMESPACE = "exchange"
SERVICES = [
    "auth",
    "user",
    "kyc",
    "wallet",
    "compliance",
    "payment",
    "trading",
    "matching-engine",
    "api-gateway",
]
FEW = ["auth", "wallet", "api-gateway"]


def few(**variables: t.Any) -> list[str]:
    """The arguments that make a release of three services, one
    after the other: where nine of them would show nothing more.
    """
    services = [{"name": name, "after": FEW[max(0, index - 1) : index]} for index, name in enumerate(FEW)]
    return ["-e", json.dumps({"release_services": services, "release_smoke": [], **variables})]


@dataclasses.dataclass(frozen=True)
class Outcome:
    rc: int
    out: str
    err: str

    @property
    def recap(self) -> dict[str, int]:
        """The numbers of the recap line of the cluster."""
        line = next(line for line in self.out.splitlines() if re.match(r"sandbox\s*: ok=", line))
        return {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", line)}


def surroundings(kubeconfig: Path | None = None) -> dict[str, str]:
    """Neither the terminal's width nor an unbuffered Python is part of what is tested.

    :param kubeconfig: of the sandbox; without it, nothing there has to do with Kubernetes.
    """
    kept = {key: value for key, value in os.environ.items() if key not in ("PYTHONUNBUFFERED", "COLUMNS")}
    ours = {"ANSIBLE_NOCOLOR": "1", "ANSIBLE_ACTION_PLUGINS": str(Path(__file__).with_name("action_plugins"))}
    return {**kept, **ours, **({"KUBECONFIG": str(kubeconfig)} if kubeconfig else {})}


class Playbooks:
    """Plays against one cluster; reports go to a folder of the test."""

    def __init__(
        self, kubeconfig: Path, folder: Path, environment: t.Mapping[str, str] | None = None
    ) -> None:
        self.reports = folder / "reports"
        self.environment = {**surroundings(kubeconfig), **(environment or {})}

    def command(self, playbook: str, version: str, *more: str) -> list[str]:
        return [
            "ansible-playbook",
            playbook,
            "-i",
            "inventories/sandbox",
            "-e",
            f"release_version={version}",
            "-e",
            f"release_report_dir={self.reports}",
            *more,
        ]

    def run(self, playbook: str, version: str, *more: str, timeout: int = 300) -> Outcome:
        done = playbook_forkserver.run(self.command(playbook, version, *more), self.environment, timeout)
        return Outcome(done.returncode, done.stdout, done.stderr)

    def release(self, version: str, *more: str) -> Outcome:
        return self.run("playbooks/release.yml", version, *more)

    def start(self, playbook: str, version: str, *more: str) -> subprocess.Popen[str]:
        """As users start it, and in a session of its own, so that killing it kills its workers, too."""
        return subprocess.Popen(
            self.command(playbook, version, *more),
            cwd=ROOT,
            env=self.environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def report(self, version: str) -> str:
        return (self.reports / f"exchange-{version}-sandbox.md").read_text()


def signal_all(process: subprocess.Popen[str], number: int) -> None:
    """To the controller and all that it started: Ansible's workers have sessions of their own."""
    children = subprocess.run(
        ["ps", "-o", "pid=", "--ppid", str(process.pid)], capture_output=True, text=True, check=False
    ).stdout.split()
    for pid in [process.pid, *map(int, children)]:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def interrupt(process: subprocess.Popen[str], number: int) -> None:
    """Ctrl-C, or the end of a pipeline's job: to the controller alone, which has 30 s to end.

    ansible-core waits for ever on the lock of its own result queue when it ended a
    worker that was writing a line to it (seen in a stack trace); a person kills it then.
    """
    process.send_signal(number)
    try:
        process.communicate(timeout=30)
    except subprocess.TimeoutExpired:
        signal_all(process, signal.SIGKILL)
        process.communicate(timeout=30)


class Kubectl:
    """What is in the cluster, by the program that its users trust."""

    def __init__(self, program: str, kubeconfig: Path, namespace: str = NAMESPACE) -> None:
        self.namespace = namespace
        self._command = [program, "--kubeconfig", str(kubeconfig), "-n", namespace]

    def command(self, *arguments: str) -> list[str]:
        return [*self._command, *arguments]

    def __call__(self, *arguments: str, stdin: str | None = None) -> str:
        return subprocess.run(
            self.command(*arguments), input=stdin, capture_output=True, text=True, check=True, timeout=60
        ).stdout

    def apply(self, *objects: dict[str, t.Any]) -> None:
        self(
            "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(objects)})
        )

    def get(self, *what: str) -> dict[str, t.Any]:
        return t.cast(
            "dict[str, t.Any]", json.loads(self("get", *what, "-o", "json", "--show-managed-fields"))
        )

    def items(self, kind: str, *more: str) -> list[dict[str, t.Any]]:
        return t.cast("list[dict[str, t.Any]]", self.get(kind, *more)["items"])

    def deployments(self) -> dict[str, dict[str, t.Any]]:
        return {item["metadata"]["name"]: item for item in self.items("deployments")}

    def versions(self) -> dict[str, str]:
        return {
            name: thing["spec"]["template"]["spec"]["containers"][0]["image"].rsplit(":", 1)[1]
            for name, thing in self.deployments().items()
        }

    def written(self) -> dict[str, t.Any]:
        """What tells every write of a release. A Deployment's resource
        version does not: its controller goes on writing the status.
        """
        told = {}
        for item in self.items("deployments,configmaps,secrets,services,leases"):
            meta = item["metadata"]
            ours = {
                key: value
                for key, value in meta.get("annotations", {}).items()
                if key.startswith("runbook.release/")
            }
            told[f"{item['kind']}/{meta['name']}"] = (
                (meta["generation"], ours) if item["kind"] == "Deployment" else meta["resourceVersion"]
            )
        return told

    def lock_holder(self) -> str:
        return self("get", "lease", "runbook-release", "-o", "jsonpath={.spec.holderIdentity}")

    def record(self, version: str) -> list[dict[str, t.Any]]:
        data = self.get("configmap", f"release-{version}")["data"]
        return [
            json.loads(data[key]) for key in sorted(data) if key.startswith(f"{int(data['attempt']):03d}-")
        ]
