# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Places the demo platform in a cluster, or puts it back to a given version, and waits until it serves."""

from __future__ import annotations

import time
from dataclasses import dataclass

from sandbox.api import Cluster, Json, apply_path
from sandbox.demo import manifests
from sandbox.demo.demo_services import SERVICES
from sandbox.errors import SandboxError

# Where objects live, and which of a kind may stay that are not ours.
_DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
_SERVICES = "/api/v1/namespaces/{}/services"
_INGRESSES = "/apis/networking.k8s.io/v1/namespaces/{}/ingresses"
_LEFTOVERS = {
    "/api/v1/namespaces/{}/configmaps": {"kube-root-ca.crt"},
    "/apis/coordination.k8s.io/v1/namespaces/{}/leases": set[str](),
}


@dataclass(frozen=True)
class Platform:
    cluster: Cluster
    space: str
    registry: str
    build: str  # of the images' source: pods are replaced when it changes

    def place(self, version: str, limit: float = 120.0) -> float:
        """The namespace then holds exactly this platform in this version. Returns the seconds it took."""
        began = time.monotonic()
        self._own_namespace()
        self._replace(_SERVICES, manifests.services(self.space), keep_addresses=True)
        self._replace(_DEPLOYMENTS, manifests.deployments(self.space, self.registry, version, self.build))
        self._replace(_INGRESSES, [manifests.ingress(self.space)])
        for path, kept in _LEFTOVERS.items():
            # Records and locks of earlier releases.
            self._remove_others(path, kept)
        self.wait(limit)
        return time.monotonic() - began

    def remove(self) -> None:
        if self._is_ours(self.cluster.get(f"/api/v1/namespaces/{self.space}")):
            self.cluster.send("DELETE", f"/api/v1/namespaces/{self.space}")

    def wait(self, limit: float) -> None:
        """Until every Deployment has finished rolling out."""
        open_ones = {name: "not seen yet" for name in SERVICES}
        for event in self.cluster.watch(_DEPLOYMENTS.format(self.space), int(limit)):
            if event["type"] in ("ADDED", "MODIFIED"):
                name = event["object"]["metadata"]["name"]
                missing = unfinished(event["object"])
                if name in SERVICES and missing:
                    open_ones[name] = missing
                else:
                    open_ones.pop(name, None)
            if not open_ones:
                return
        unready = "; ".join(f"{name}: {missing}" for name, missing in open_ones.items())
        raise SandboxError(
            f"The demo platform in namespace {self.space} is not ready after {limit:.0f} s. {unready}\nLook at: kubectl -n {self.space} get pods"
        )

    def versions(self) -> dict[str, str]:
        """Service to the version its Deployment asks for."""
        listed = self.cluster.get(_DEPLOYMENTS.format(self.space)) or {"items": []}
        images = {
            item["metadata"]["name"]: item["spec"]["template"]["spec"]["containers"][0]["image"]
            for item in listed["items"]
        }
        return {name: image.partition("@")[0].rpartition(":")[2] for name, image in images.items()}

    def _is_ours(self, namespace: Json | None) -> bool:
        labels = (namespace or {}).get("metadata", {}).get("labels") or {}
        return manifests.OWNER.items() <= labels.items()

    def _own_namespace(self) -> None:
        path = f"/api/v1/namespaces/{self.space}"
        found = self.cluster.get(path)
        if found and not self._is_ours(found):
            raise SandboxError(
                f"The namespace {self.space} exists already and is not the demo's; nothing was changed."
                f" Choose another: python -m sandbox platform --namespace exchange-demo"
            )
        if not found:
            self.cluster.send("PATCH", apply_path(path), manifests.namespace(self.space))

    def _replace(self, path: str, wanted: list[Json], keep_addresses: bool = False) -> None:
        """Whole objects, so that nothing a release or a person added to them stays."""
        path = path.format(self.space)
        found = {
            item["metadata"]["name"]: item for item in (self.cluster.get(path) or {"items": []})["items"]
        }
        for body in wanted:
            name = body["metadata"]["name"]
            old = found.pop(name, None)
            if old is None:
                self.cluster.send("POST", path, body)
                continue
            if keep_addresses:
                body["spec"]["clusterIP"] = old["spec"]["clusterIP"]
            self.cluster.send("PUT", f"{path}/{name}", body)
        for name in found:
            self.cluster.send("DELETE", f"{path}/{name}")

    def _remove_others(self, path: str, kept: set[str]) -> None:
        path = path.format(self.space)
        for item in (self.cluster.get(path) or {"items": []})["items"]:
            if item["metadata"]["name"] not in kept:
                self.cluster.send("DELETE", f"{path}/{item['metadata']['name']}")


def unfinished(deployment: Json) -> str:
    """What a Deployment still lacks; empty when its rollout is complete."""
    wanted, status = deployment["spec"].get("replicas", 1), deployment.get("status", {})
    if status.get("observedGeneration", 0) < deployment["metadata"]["generation"]:
        return "change not yet seen by the controller"
    counts = {"updated": "updatedReplicas", "in all": "replicas", "available": "availableReplicas"}
    wrong = [
        f"{status.get(field, 0)} {word}" for word, field in counts.items() if status.get(field, 0) != wanted
    ]
    return f"{', '.join(wrong)} of {wanted} pods" if wrong else ""
