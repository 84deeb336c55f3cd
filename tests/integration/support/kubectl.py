# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What is in the cluster, by the program that its users trust."""

from __future__ import annotations

import json
import subprocess
import typing as t
from pathlib import Path

NAMESPACE = "exchange"


class Kubectl:
    """kubectl on one namespace."""

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
        """Changes with every write of a release. A Deployment's resource
        version is not in it: its controller goes on writing the status.
        """
        written = {}
        for item in self.items("deployments,configmaps,secrets,services,leases"):
            meta = item["metadata"]
            ours = {
                key: value
                for key, value in meta.get("annotations", {}).items()
                if key.startswith("runbook.release/")
            }
            written[f"{item['kind']}/{meta['name']}"] = (
                (meta["generation"], ours) if item["kind"] == "Deployment" else meta["resourceVersion"]
            )
        return written

    def lock_holder(self) -> str:
        return self("get", "lease", "runbook-release", "-o", "jsonpath={.spec.holderIdentity}")

    def record(self, version: str) -> list[dict[str, t.Any]]:
        data = self.get("configmap", f"release-{version}")["data"]
        return [
            json.loads(data[key]) for key in sorted(data) if key.startswith(f"{int(data['attempt']):03d}-")
        ]
