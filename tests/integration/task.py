# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Runs one module as a task in a namespace of its own, beside the kubectl that its users trust."""

from __future__ import annotations

import json
import os
import subprocess
import typing as t
from pathlib import Path

from tests.integration.playbook import ROOT

Manifest = dict[str, t.Any]


class Outcome(t.NamedTuple):
    rc: int
    result: dict[str, t.Any]
    out: str
    err: str


class Task:
    def __init__(self, sandbox: t.Any, folder: Path, module: str, space: str) -> None:
        self.folder, self.registry, self.space = folder, sandbox.place.images.registry, space
        self._module, self._kubectl = module, sandbox.kubectl
        self.environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONUNBUFFERED", "COLUMNS")} | {
            "KUBECONFIG": str(sandbox.kubeconfig),
            "ANSIBLE_NOCOLOR": "1",
            "KUBECTL_APPLYSET": "true",
            "PATH": f"{Path(sandbox.kubectl).parent}:{os.environ['PATH']}",
        }

    def command(self, options: dict[str, t.Any], task: dict[str, t.Any]) -> list[str]:
        """With all that Ansible can be made to say; the result goes to a file, failed or not."""
        own = {f"runbook.release.{self._module}": {"namespace": self.space, **options}, "register": "told", **task}
        keep = {"ansible.builtin.copy": {"content": "{{ told | to_json }}", "dest": f"{self.folder}/told.json", "mode": "0600"}, "check_mode": False}
        play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": [{"block": [own], "always": [{**keep, "diff": False}]}]}
        (self.folder / "play.json").write_text(json.dumps([play]))
        return ["ansible-playbook", "-vvv", str(self.folder / "play.json")]

    def run(self, options: dict[str, t.Any], task: dict[str, t.Any] | None = None) -> Outcome:
        done = subprocess.run(
            self.command(options, task or {}),
            cwd=ROOT,
            env=self.environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=180,
            stdin=subprocess.DEVNULL,
        )
        return Outcome(done.returncode, json.loads((self.folder / "told.json").read_text()), done.stdout, done.stderr)

    def start(self, **options: t.Any) -> subprocess.Popen[str]:
        return subprocess.Popen(
            self.command(options, {}), cwd=ROOT, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, start_new_session=True
        )

    def kubectl(self, *arguments: str, **stdin: str) -> str:
        command = [self._kubectl, "-n", self.space, *arguments]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=True, timeout=60, **stdin).stdout

    def get(self, *what: str) -> dict[str, t.Any]:
        return t.cast("dict[str, t.Any]", json.loads(self.kubectl("get", *what, "-o", "json", "--show-managed-fields")))

    def create(self, *manifests: Manifest) -> None:
        self.kubectl("create", "-f", "-", input=json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)}))

    def deployment(self, name: str, version: str = "1.0.0", **spec: t.Any) -> Manifest:
        container = {
            "name": name,
            "image": f"{self.registry}/{name}:{version}",
            "readinessProbe": {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1},
        }
        template = {"metadata": {"labels": {"app": name}}, "spec": {"containers": [container]}}
        spec = {"replicas": 1, "selector": {"matchLabels": {"app": name}}, "template": template, **spec}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}
