# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


"""An API server in memory for the tests of applies: discovery,
objects by path, server-side apply as far as they need it.
"""

from __future__ import annotations

import copy
import json
import urllib.parse

from ansible_collections.runbook.release.plugins.module_utils._common.errors import Conflict, NotFound
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import TICK, Event

NAMESPACE = "exchange"
LEASE = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases/runbook-release"
KINDS = {
    "/api/v1": {
        "Namespace": ("namespaces", False),
        "ConfigMap": ("configmaps", True),
        "Secret": ("secrets", True),
        "ServiceAccount": ("serviceaccounts", True),
    },
    "/apis/apps/v1": {"Deployment": ("deployments", True)},
    "/apis/apiextensions.k8s.io/v1": {"CustomResourceDefinition": ("customresourcedefinitions", False)},
}
DEFINITION = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "markets.example.test"},
    "spec": {
        "group": "example.test",
        "scope": "Namespaced",
        "names": {"kind": "Market", "plural": "markets"},
        "versions": [{"name": "v1"}],
    },
}
MARKET = {"apiVersion": "example.test/v1", "kind": "Market", "metadata": {"name": "btc"}, "spec": {"tick": 1}}


def config_map(name, namespace=None, **data):
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, **({"namespace": namespace} if namespace else {})},
        "data": data,
    }


def path_of(kind, name, namespace=NAMESPACE):
    return next(
        f"{root}/{f'namespaces/{namespace}/' if kinds[kind][1] else ''}{kinds[kind][0]}/{name}"
        for root, kinds in KINDS.items()
        if kind in kinds
    )


class Server:
    """``forbidden`` holds (verb, resource); ``refusals`` an error a path,
    raised by every apply; ``when_written`` is called with each path.
    """

    def __init__(self, *things):
        self.objects, self.requests, self.version, self.seconds = {}, [], 100, 0.0
        self.forbidden, self.refusals, self.streams, self.when_written = set(), {}, [], lambda path: None
        self.kinds = copy.deepcopy(KINDS)
        self.objects[path_of("Namespace", NAMESPACE)] = {
            "metadata": {"name": NAMESPACE, "uid": "u0"},
            "status": {"phase": "Active"},
        }
        for thing in things:
            thing = {**thing, "metadata": {"namespace": NAMESPACE, **copy.deepcopy(thing["metadata"])}}
            self._store(
                path_of(thing["kind"], thing["metadata"]["name"], thing["metadata"]["namespace"]), thing
            )

    @property
    def writes(self):
        return [
            path for method, path in self.requests if method in ("APPLY", "DELETE") and "leases" not in path
        ]

    def get(self, path):
        self.requests.append(("GET", path))
        parts = urllib.parse.urlsplit(path)
        if parts.path in self.kinds:
            return {
                "resources": [
                    {"kind": kind, "name": name, "namespaced": scoped}
                    for kind, (name, scoped) in self.kinds[parts.path].items()
                ]
            }
        if parts.path.count("/") == 2 and any(root.startswith(f"{parts.path}/") for root in self.kinds):
            return {"versions": [{"version": "v1"}], "preferredVersion": {"version": "v1"}}
        if parts.path in self.objects:
            return copy.deepcopy(self.objects[parts.path])
        if any(
            parts.path.endswith(f"/{plural}")
            for kinds in self.kinds.values()
            for plural, _scoped in kinds.values()
        ):
            label, value = urllib.parse.parse_qs(parts.query).get("labelSelector", ["="])[0].split("=")
            inside = [
                thing for place, thing in self.objects.items() if place.rpartition("/")[0] == parts.path
            ]
            found = [
                thing
                for thing in inside
                if not label or (thing["metadata"].get("labels") or {}).get(label) == value
            ]
            # As the real one: items of a list do not say what they are.
            items = [
                {key: value for key, value in thing.items() if key not in ("apiVersion", "kind")}
                for thing in found
            ]
            return copy.deepcopy({"metadata": {"resourceVersion": str(self.version)}, "items": items})
        raise _absent(path)

    def text(self, path):
        return "a log line"

    def post(self, path, body):
        self.requests.append(("POST", path))
        if path.endswith("selfsubjectaccessreviews"):
            asked = body["spec"]["resourceAttributes"]
            return {"status": {"allowed": (asked["verb"], asked["resource"]) not in self.forbidden}}
        self._of_namespace(path)
        self._store(f"{path}/{body['metadata']['name']}", body)
        return body

    def put(self, path, body):
        self.requests.append(("PUT", path))
        self._store(path, body)
        return body

    def apply(self, path, body, force=False, dry_run=False):
        self.requests.append(("DRY" if dry_run else "APPLY", path))
        self._of_namespace(path)
        if path in self.refusals:
            raise self.refusals[path]
        if not any(path.startswith(f"{root}/") for root in self.kinds):
            raise _absent(path)
        before = self.objects.get(path, {"metadata": {}})
        theirs = (before.get("metadata") or {}).get("annotations", {}).get("owner")
        if theirs and before.get("data") != body.get("data") and not force:
            error = Conflict("conflict")
            error.answer = {
                "details": {
                    "causes": [
                        {
                            "reason": "FieldManagerConflict",
                            "message": f'conflict with "{theirs}" using v1',
                            "field": ".data.a",
                        }
                    ]
                }
            }
            raise error
        thing = {
            **before,
            **copy.deepcopy(body),
            "metadata": {**before["metadata"], **copy.deepcopy(body["metadata"])},
        }
        thing["metadata"]["managedFields"] = [
            {
                "manager": "runbook.release.apply",
                "operation": "Apply",
                "fieldsV1": {"f:data": json.dumps(body, sort_keys=True)},
            }
        ]
        thing["metadata"].setdefault("uid", f"uid-{path}")
        if thing["kind"] == "Namespace":
            thing.setdefault("status", {"phase": "Active"})
        if not dry_run:
            self.when_written(path)
            self._store(path, thing)
            if thing["kind"] == "CustomResourceDefinition":
                self.kinds[f"/apis/{thing['spec']['group']}/v1"] = {
                    thing["spec"]["names"]["kind"]: (thing["spec"]["names"]["plural"], True)
                }
        return copy.deepcopy(thing)

    def delete(self, path, body=None):
        self.requests.append(("DELETE", path))
        assert body["preconditions"]["uid"] == self.objects[path]["metadata"]["uid"]
        return self.objects.pop(path)

    def time(self):
        return 1_700_000_000 + self.seconds

    def follow(self, paths):
        return Stream(self, paths)

    def _store(self, path, thing):
        self.version += 1
        thing["metadata"].setdefault("uid", f"uid-{path}")
        thing["metadata"]["resourceVersion"] = str(self.version)
        self.objects[path] = thing

    def _of_namespace(self, path):
        namespace = path.split("/namespaces/")[1].split("/")[0] if "/namespaces/" in path else ""
        if (
            "/" in path.partition(f"/namespaces/{namespace}")[2]
            and f"/api/v1/namespaces/{namespace}" not in self.objects
        ):
            error = _absent(path)
            error.answer = {"details": {"kind": "namespaces", "name": namespace}}
            raise error


class Stream:
    """Tells the server's next events, a second each; then that a second is over, forever."""

    def __init__(self, server, paths):
        self.server, self.paths = server, dict(paths)

    def __enter__(self):
        return self

    def __exit__(self, *details):
        pass

    def __iter__(self):
        while True:
            self.server.seconds += 1
            yield self.server.streams.pop(0) if self.server.streams else Event("", TICK, {})


def _absent(path):
    return NotFound(f"{path} is not there", why=["not found"])


def context(server, check_mode=False, **params):
    """The context, and the lines that were shown."""
    lines = []
    clock = Clock(
        now=lambda: server.seconds,
        sleep=lambda seconds: setattr(server, "seconds", server.seconds + seconds),
        wall=server.time,
    )
    given = {
        "namespace": NAMESPACE,
        "timeout": 30,
        "stuck_after": 10,
        "lock_force": False,
        "manifests": None,
        "src": None,
        "wait": True,
        "force_conflicts": False,
    }
    given.update({"keep_release": True, "applyset": None, "prune": False, **params})
    return Context(given, check_mode=check_mode, show=lines.append, clock=clock), lines
