# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Fake nodes and pods by kwok, for scale: the scheduler and the controllers are real, no container runs."""

from __future__ import annotations

import typing as t

from sandbox.api import apply_path
from sandbox.components.kwok import Kwok
from sandbox.errors import SandboxError
from sandbox.node.sandbox_state import SandboxState

TAINT = {"key": "sandbox/fake", "value": "true", "effect": "NoSchedule"}


def node(name: str, pods: int) -> dict[str, t.Any]:
    size = {"cpu": "64", "memory": "256Gi", "pods": str(pods)}
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {
            "name": name,
            "labels": {"kubernetes.io/hostname": name, "kubernetes.io/os": "linux", "type": "kwok"},
            "annotations": {"kwok.x-k8s.io/node": "fake"},
        },
        # Real pods may not land here, and fake ones have to say that they may.
        "spec": {"taints": [TAINT]},
        "status": {"allocatable": size, "capacity": size},
    }


def place(sandbox: SandboxState, nodes: int, pods_per_node: int) -> None:
    """Exactly this many fake nodes, all Ready."""
    with sandbox.namespaces.network():
        Kwok(sandbox).ensure()
        names = {f"fake-{number}" for number in range(1, nodes + 1)}
        listed = sandbox.api.get("/api/v1/nodes?labelSelector=type%3Dkwok") or {"items": []}
        for old in {item["metadata"]["name"] for item in listed["items"]} - names:
            sandbox.api.send("DELETE", f"/api/v1/nodes/{old}")
        for name in names:
            made = node(name, pods_per_node)
            sandbox.api.send("PATCH", apply_path(f"/api/v1/nodes/{name}"), made)
            sandbox.api.send("PATCH", apply_path(f"/api/v1/nodes/{name}/status"), made)
        _wait_ready(sandbox, names)


def _wait_ready(sandbox: SandboxState, names: set[str]) -> None:
    if not names:
        return
    left = set(names)
    for event in sandbox.api.watch("/api/v1/nodes?labelSelector=type%3Dkwok", seconds=60):
        conditions = event["object"].get("status", {}).get("conditions", [])
        if any(condition["type"] == "Ready" and condition["status"] == "True" for condition in conditions):
            left.discard(event["object"]["metadata"]["name"])
        if not left:
            return
    raise SandboxError(
        f"These fake nodes are not Ready after 60 s: {', '.join(sorted(left))}. Look at {sandbox.settings.logs / 'kwok.log'}"
    )
