# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Tells Prometheus which pods to scrape: a watch on pods, written to a file that Prometheus watches.

Pods say so themselves by the usual annotations prometheus.io/scrape and prometheus.io/port.
"""

from __future__ import annotations

import json
import re
import sys
import time
import typing as t
from pathlib import Path

from sandbox.api import SandboxApi
from sandbox.components.base import Component
from sandbox.errors import SandboxError
from sandbox.node.sandbox_state import write
from sandbox.settings import CHECKOUT, Settings


def targets_file(settings: Settings) -> Path:
    return settings.root / "targets" / "pods.json"


class Targets(Component):
    name = "targets"
    after = ("kube-apiserver",)

    def argv(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "sandbox.components.targets",
            str(self.sandbox.kubeconfig("targets")),
            str(targets_file(self.settings)),
        ]

    def environment(self) -> dict[str, str]:
        return {"PYTHONPATH": str(CHECKOUT), "PYTHONDONTWRITEBYTECODE": "1"}

    def healthy(self) -> bool:
        return targets_file(self.settings).exists()


def target(pod: dict[str, t.Any]) -> dict[str, t.Any] | None:
    """Prometheus' description of one pod, or None when it is not to be scraped, has no address or is over."""
    notes, status = pod["metadata"].get("annotations") or {}, pod.get("status") or {}
    if (
        notes.get("prometheus.io/scrape") != "true"
        or not status.get("podIP")
        or status.get("phase") != "Running"
    ):
        return None
    labels = {
        re.sub(r"[^a-zA-Z0-9_]", "_", name): value
        for name, value in (pod["metadata"].get("labels") or {}).items()
    }
    labels |= {"namespace": pod["metadata"]["namespace"], "pod": pod["metadata"]["name"]}
    return {"targets": [f"{status['podIP']}:{notes.get('prometheus.io/port', '8080')}"], "labels": labels}


def follow(api: SandboxApi, out: Path) -> None:
    """One watch: the whole list first, then every change, until the server ends it."""
    listed = api.get("/api/v1/pods") or {}
    known = {pod["metadata"]["uid"]: target(pod) for pod in listed.get("items", [])}
    written: list[dict[str, t.Any]] | None = None
    version = listed["metadata"]["resourceVersion"]
    events = api.watch(f"/api/v1/pods?resourceVersion={version}&allowWatchBookmarks=true", seconds=600)
    while True:
        found = [known[uid] for uid in sorted(known) if known[uid]]
        if found != written:
            write(out, json.dumps(found, indent=1))
            written = [entry for entry in found if entry]
        event = next(events, None)
        if event is None or event["type"] == "ERROR":
            return
        if event["type"] == "DELETED":
            known.pop(event["object"]["metadata"]["uid"], None)
        elif event["type"] != "BOOKMARK":
            known[event["object"]["metadata"]["uid"]] = target(event["object"])


def main() -> None:
    api, out = SandboxApi(Path(sys.argv[1])), Path(sys.argv[2])
    while True:
        try:
            follow(api, out)
        except (SandboxError, OSError, ValueError) as problem:
            # The API server is being restarted, and nothing tells when it is back.
            print(f"pods cannot be watched, trying again: {problem}", flush=True)
            time.sleep(0.5)


if __name__ == "__main__":
    main()
