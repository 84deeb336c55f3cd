# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


"""The same work by the tools that people use for it today.

Each takes nine Deployments that run one version to another, in order, and waits for each: the runbook's way.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

NAMESPACE = "exchange"


def kubectl(services: list[str], registry: str, version: str) -> None:
    """The runbook's script: set image, rollout status, next."""
    for name in services:
        subprocess.run(
            [
                "kubectl",
                "-n",
                NAMESPACE,
                "set",
                "image",
                f"deployment/{name}",
                f"{name}={registry}/{name}:{version}",
            ],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        subprocess.run(
            ["kubectl", "-n", NAMESPACE, "rollout", "status", f"deployment/{name}", "--timeout=120s"],
            check=True,
            stdout=subprocess.DEVNULL,
        )


def kubernetes_core(services: list[str], registry: str, version: str, folder: Path, venv: Path) -> None:
    """kubernetes.core.k8s with its defaults for waiting, one task a service, in one playbook."""
    tasks = [
        {
            "name": f"Roll {name}",
            "kubernetes.core.k8s": {
                "state": "patched",
                "api_version": "apps/v1",
                "kind": "Deployment",
                "namespace": NAMESPACE,
                "name": name,
                "definition": {
                    "spec": {
                        "template": {
                            "spec": {"containers": [{"name": name, "image": f"{registry}/{name}:{version}"}]}
                        }
                    }
                },
                "wait": True,
            },
        }
        for name in services
    ]
    play = {
        "hosts": "localhost",
        "gather_facts": False,
        "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        "tasks": tasks,
    }
    (folder / "peer.yml").write_text(json.dumps([play]))
    # Its own Ansible, and nothing of this checkout: no ansible.cfg, no collections path.
    environment = {
        key: value for key, value in os.environ.items() if not key.startswith("ANSIBLE_COLLECTIONS")
    }
    subprocess.run(
        [venv / "bin" / "ansible-playbook", "-i", "localhost,", "-c", "local", "peer.yml"],
        cwd=folder,
        check=True,
        env=environment,
        stdout=subprocess.DEVNULL,
    )
