# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The least that has to be done, by the same package: the floor that an operation is held against.

bare.py roll NAMESPACE REGISTRY VERSION WAVES    PATCH a wave, watch until it has
settled, next; prints the seconds bare.py watch NAMESPACE KIND
prints every event as it comes: time of day, and the object
"""

from __future__ import annotations

import json
import sys
import time
import typing as t

from kubernetes import config
from kubernetes.client import ApiClient

Json = dict[str, t.Any]


class Api:
    def __init__(self) -> None:
        config.load_kube_config()
        self._api = ApiClient()

    def send(self, method: str, path: str, body: Json | None = None, stream: bool = False) -> t.Any:
        return self._api.rest_client.pool_manager.request(
            method,
            self._api.configuration.host + path,
            body=json.dumps(body) if body else None,
            headers={"Content-Type": "application/strategic-merge-patch+json"},
            preload_content=not stream,
        )

    def events(self, path: str, version: str) -> t.Iterator[Json]:
        response, rest = self.send("GET", f"{path}?watch=1&resourceVersion={version}", stream=True), b""
        while chunk := response.read1(65536):
            *lines, rest = (rest + chunk).split(b"\n")
            yield from map(json.loads, lines)


def settled(thing: Json) -> bool:
    now, desired = thing.get("status", {}), thing["spec"]["replicas"]
    seen = now.get("observedGeneration", 0) >= thing["metadata"]["generation"]
    return seen and all(
        now.get(count, 0) == desired for count in ("updatedReplicas", "replicas", "availableReplicas")
    )


def roll(namespace: str, registry: str, version: str, waves: list[list[str]]) -> float:
    api, path = Api(), f"/apis/apps/v1/namespaces/{namespace}/deployments"
    began = time.monotonic()
    for wave in waves:
        at = json.loads(api.send("GET", f"{path}?limit=1").data)["metadata"]["resourceVersion"]
        for name in wave:
            container = {"name": name, "image": f"{registry}/{name}:{version}"}
            api.send("PATCH", f"{path}/{name}", {"spec": {"template": {"spec": {"containers": [container]}}}})
        left = set(wave)
        for event in api.events(path, at):
            thing = event["object"]
            image = thing["spec"]["template"]["spec"]["containers"][0]["image"]
            if image.endswith(f":{version}") and settled(thing):
                left.discard(thing["metadata"]["name"])
            if not left:
                break
    return time.monotonic() - began


def watch(namespace: str, kind: str) -> None:
    api = Api()
    path = (
        f"/api/v1/namespaces/{namespace}/pods"
        if kind == "pods"
        else f"/apis/apps/v1/namespaces/{namespace}/{kind}"
    )
    at = json.loads(api.send("GET", path).data)["metadata"]["resourceVersion"]
    print("ready", flush=True)
    for event in api.events(path, at):
        print(time.time(), json.dumps(event["object"]), flush=True)


if __name__ == "__main__":
    what, *given = sys.argv[1:]
    if what == "roll":
        namespace, registry, version, waves = given
        print(roll(namespace, registry, version, json.loads(waves)))
    else:
        watch(*given)
