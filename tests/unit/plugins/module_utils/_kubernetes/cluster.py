# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


"""A cluster in memory for unit tests: a Deployment controller
in a few lines, and a clock that only the tests move.
"""

from __future__ import annotations

import copy
import json
import urllib.parse

from ansible_collections.runbook.release.plugins.module_utils._common.errors import Conflict, NotFound
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import SYNC, TICK, Event

NAMESPACE = "exchange"
DEPLOYMENTS = f"/apis/apps/v1/namespaces/{NAMESPACE}/deployments"
REPLICA_SETS = f"/apis/apps/v1/namespaces/{NAMESPACE}/replicasets"
PODS = f"/api/v1/namespaces/{NAMESPACE}/pods"
EVENTS = f"/api/v1/namespaces/{NAMESPACE}/events"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
AUTOSCALERS = f"/apis/autoscaling/v2/namespaces/{NAMESPACE}/horizontalpodautoscalers"
CONFIG_MAPS = f"/api/v1/namespaces/{NAMESPACE}/configmaps"
OWNED = {"controller": True}


def image(name, version):
    return f"registry.test/exchange/{name}:{version}"


class Cluster:
    """KubeApi over dictionaries.

    ``bad`` maps an image to what its pods say of themselves (a container status); every
    other image becomes available on the first look at a watch. ``between`` holds
    functions called, one a look, before the controller acts.
    """

    def __init__(self, services, version="1.0.0", replicas=2):
        self.version, self.seconds, self.requests, self.bad, self.between, self.logs = 10, 0.0, [], {}, [], {}
        self.deployments, self.replica_sets, self.pods, self.events, self.config_maps, self.leases = (
            {},
            {},
            {},
            [],
            {},
            {},
        )
        self.autoscalers = {}
        for name in services:
            self.deployments[name] = self._touch(
                {
                    "kind": "Deployment",
                    "metadata": {
                        "name": name,
                        "namespace": NAMESPACE,
                        "uid": f"uid-{name}",
                        "generation": 0,
                        "annotations": {"team": "payments"},
                    },
                    "spec": {
                        "replicas": replicas,
                        "selector": {"matchLabels": {"app": name}},
                        "template": {"spec": {"containers": [{"name": name, "image": image(name, version)}]}},
                    },
                    "status": {},
                }
            )
            self._control(name)
            self._control(name)
        self.requests.clear()

    @property
    def writes(self):
        return [(method, path.rsplit("/", 1)[-1]) for method, path in self.requests if method != "GET"]

    def images(self):
        return {
            name: thing["spec"]["template"]["spec"]["containers"][0]["image"].rsplit(":", 1)[1]
            for name, thing in self.deployments.items()
        }

    def wall(self):
        """Wall time never stands still: records sort by it."""
        self.seconds += 0.001
        return 1_700_000_000 + self.seconds

    def pass_by(self, seconds):
        self.seconds += seconds

    # --- the port

    def get(self, path):
        self.requests.append(("GET", path))
        query = urllib.parse.parse_qs(urllib.parse.urlsplit(path).query)
        path = urllib.parse.urlsplit(path).path
        kinds = {
            DEPLOYMENTS: self.deployments.values(),
            REPLICA_SETS: self.replica_sets.values(),
            PODS: self.pods.values(),
            EVENTS: self.events,
            CONFIG_MAPS: self.config_maps.values(),
            AUTOSCALERS: self.autoscalers.values(),
            "/api/v1/nodes": [],
            DEPLOYMENTS.replace("deployments", "statefulsets"): [],
            DEPLOYMENTS.replace("deployments", "daemonsets"): [],
        }
        if path in kinds:
            name = query.get("fieldSelector", [""])[0].partition("metadata.name=")[2]
            items = [item for item in kinds[path] if not name or item["metadata"]["name"] == name]
            return copy.deepcopy({"metadata": {"resourceVersion": str(self.version)}, "items": items})
        return copy.deepcopy(self._find(path))

    def text(self, path):
        self.requests.append(("GET", path))
        pod = urllib.parse.urlsplit(path).path.split("/")[-2]
        if pod not in self.logs:
            raise NotFound("no log")
        return self.logs[pod]

    def post(self, path, body):
        self.requests.append(("POST", path))
        kind, name = {CONFIG_MAPS: self.config_maps, LEASES: self.leases}[path], body["metadata"]["name"]
        if name in kind:
            raise Conflict("exists")
        kind[name] = copy.deepcopy(body)
        self.version += 1
        kind[name]["metadata"]["resourceVersion"] = str(self.version)
        return body

    def put(self, path, body):
        self.requests.append(("PUT", path))
        there = self._find(path)
        if there["metadata"]["resourceVersion"] != body["metadata"]["resourceVersion"]:
            raise Conflict("the object has been modified")
        self.version += 1
        there.update(copy.deepcopy(body))
        there["metadata"]["resourceVersion"] = str(self.version)
        return copy.deepcopy(there)

    def time(self):
        return self.wall()

    def patch(self, path, body, content_type="application/strategic-merge-patch+json"):
        self.requests.append(("PATCH", path))
        thing = self._find(path)
        if "data" in body:
            thing["data"] = {
                key: value for key, value in {**thing["data"], **body["data"]}.items() if value is not None
            }
            return copy.deepcopy(thing)
        if body["metadata"].get("uid", thing["metadata"]["uid"]) != thing["metadata"]["uid"]:
            raise Conflict("uid mismatch")
        if (
            body["metadata"].get("resourceVersion", thing["metadata"]["resourceVersion"])
            != thing["metadata"]["resourceVersion"]
        ):
            raise Conflict("the object has been modified")
        _merge(thing["metadata"]["annotations"], body["metadata"].get("annotations", {}))
        if "minReplicas" in body.get("spec", {}):
            thing["spec"].update(body["spec"])
            return copy.deepcopy(thing)
        before = copy.deepcopy(thing["spec"])
        spec = body.get("spec", {})
        thing["spec"].update({key: spec[key] for key in ("replicas", "paused") if key in spec})
        _merge_template(thing["spec"], copy.deepcopy(spec.get("template", {})))
        self._touch(thing, generation=thing["spec"] != before)
        return copy.deepcopy(thing)

    def delete(self, path, body=None):
        self.requests.append(("DELETE", path))
        return self.pods.pop(path.rsplit("/", 1)[-1], {})

    def follow(self, paths):
        return Stream(self, paths)

    # --- the controller

    def _find(self, path):
        kind, name = path.rsplit("/", 1)
        found = {
            DEPLOYMENTS: self.deployments,
            CONFIG_MAPS: self.config_maps,
            LEASES: self.leases,
            AUTOSCALERS: self.autoscalers,
        }[kind].get(name)
        if found is None:
            raise NotFound(f"{name} not found")
        return found

    def _touch(self, thing, generation=True):
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        thing["metadata"]["generation"] += bool(generation)
        return thing

    def _control(self, name):
        """One step: see the spec and make a ReplicaSet, or,
        the next time, let its pods become what they become.
        """
        thing = self.deployments[name]
        wanted, meta = thing["spec"]["replicas"], thing["metadata"]
        now = thing["spec"]["template"]["spec"]["containers"][0]["image"]
        if thing["status"].get("observedGeneration") != meta["generation"]:
            key = f"{name}-{now.rsplit(':', 1)[1]}"
            # As in Kubernetes: going back to a template takes up its old
            # ReplicaSet and gives it a new revision.
            revision = str(int(meta["annotations"].get("deployment.kubernetes.io/revision", 0)) + 1)
            self.replica_sets[key] = {
                "metadata": {
                    "name": key,
                    "uid": f"uid-{key}",
                    "annotations": {"deployment.kubernetes.io/revision": revision},
                    "ownerReferences": [{**OWNED, "kind": "Deployment", "uid": meta["uid"], "name": name}],
                },
                "spec": {"template": copy.deepcopy(thing["spec"]["template"])},
            }
            meta["annotations"]["deployment.kubernetes.io/revision"] = revision
            available = thing["status"].get("availableReplicas", 0)
            thing["status"] = {
                "observedGeneration": meta["generation"],
                "replicas": available + 1,
                "updatedReplicas": 1,
                "availableReplicas": available,
            }
            self._touch(thing, generation=False)
            pod = self._pod(name, key, now)
            return [Event(DEPLOYMENTS, "MODIFIED", thing), Event(PODS, "ADDED", pod)]
        counts = {thing["status"][count] for count in ("replicas", "updatedReplicas", "availableReplicas")}
        if now in self.bad or counts == {wanted}:
            return []
        thing["status"].update({"replicas": wanted, "updatedReplicas": wanted, "availableReplicas": wanted})
        return [Event(DEPLOYMENTS, "MODIFIED", self._touch(thing, generation=False))]

    def _pod(self, name, replica_set, now):
        said = self.bad.get(now, {"ready": True, "restartCount": 0, "state": {"running": {}}})
        pod = {
            "metadata": {
                "name": f"{replica_set}-x",
                "uid": f"uid-{replica_set}-x",
                "labels": {"app": name},
                "ownerReferences": [
                    {**OWNED, "kind": "ReplicaSet", "uid": f"uid-{replica_set}", "name": replica_set}
                ],
            },
            "spec": {
                "containers": [
                    {
                        "name": name,
                        "image": now,
                        "env": [{"name": "DB_PASSWORD", "value": "s3cr3t-of-wallet"}],
                    }
                ]
            },
            "status": {
                "conditions": [{"type": "Ready", "status": "True" if said["ready"] else "False"}],
                "containerStatuses": [
                    {"name": name, "imageID": f"{now.rsplit(':', 1)[0]}@sha256:{name}", **said}
                ],
            },
        }
        self.pods[pod["metadata"]["uid"]] = pod
        return pod


def _merge(annotations, changes):
    for key, value in list(changes.items()):
        annotations.pop(key, None)
        if value is not None:
            annotations[key] = value


def _merge_template(spec, template):
    if template.pop("$patch", None):
        spec["template"] = template
    if notes := template.get("metadata", {}).get("annotations"):
        _merge(spec["template"].setdefault("metadata", {}).setdefault("annotations", {}), notes)
    known = {container["name"]: container for container in spec["template"]["spec"]["containers"]}
    for changes in template.get("spec", {}).get("containers", []):
        container = known.get(changes["name"])
        if container is None:
            continue
        env = {entry["name"]: entry for entry in container.get("env", [])}
        env.update({entry["name"]: entry for entry in changes.pop("env", [])})
        container.update(changes, env=[entry for entry in env.values() if entry.get("$patch") != "delete"])
        if not container["env"]:
            del container["env"]


class Stream:
    """Every look at the watches is a second, and one step of the controller."""

    def __init__(self, cluster, paths):
        self.cluster, self.paths, self.todo = (
            cluster,
            set(paths),
            [path for path, version in paths.items() if not version],
        )

    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass

    def add(self, path, version=""):
        self.paths.add(path)
        if not version:
            self.todo.append(path)

    def __iter__(self):
        while True:
            while self.todo:
                path = self.todo.pop()
                yield Event(path, SYNC, self.cluster.get(path))
            self.cluster.seconds += 1
            if self.cluster.between:
                self.cluster.between.pop(0)(self.cluster)
            for name in list(self.cluster.deployments):
                for event in self.cluster._control(name):
                    if event.path in self.paths:
                        yield copy.deepcopy(event)
            yield Event("", TICK, {})


def crashing(code=3):
    return {
        "ready": False,
        "restartCount": 1,
        "state": {"waiting": {"reason": "CrashLoopBackOff"}},
        "lastState": {"terminated": {"exitCode": code, "reason": "Error"}},
    }


def workload(name, **given):
    """One workload with the defaults of the argument spec."""
    missing = dict.fromkeys(("images", "env", "resources", "config", "replicas", "strategy", "timeout"))
    return {"name": name, "kind": "Deployment", "wave": 1, **missing, **given}


def context(cluster, params, check_mode=False):
    """The context, and the lines that were shown."""
    lines = []
    clock = Clock(now=lambda: cluster.seconds, sleep=cluster.pass_by, wall=cluster.wall)
    given = {
        "namespace": NAMESPACE,
        "timeout": 30,
        "stuck_after": 10,
        "lock_force": False,
        "lock_token": None,
        "parallel": None,
        **params,
    }
    return Context(given, check_mode=check_mode, show=lines.append, clock=clock), lines


def entries(cluster, release="1.1.0"):
    data = cluster.config_maps[f"release-{release}"]["data"]
    return [json.loads(data[key]) for key in sorted(data) if key[0].isdigit()]
