# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The Kubernetes objects of the demo platform."""

from __future__ import annotations

from sandbox.api import Json
from sandbox.demo.demo_services import GATEWAY, PLATFORM, SERVICES

OWNER = {"app.kubernetes.io/managed-by": "runbook-release-sandbox"}


def namespace(name: str) -> Json:
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name, "labels": dict(OWNER)}}


def deployment(service: str, space: str, image: str, build: str, replicas: int = 2) -> Json:
    labels = {"app": service, "app.kubernetes.io/part-of": PLATFORM}
    container = {
        "name": service,
        "image": image,
        # a demo version is built anew under its old name when its source changes
        "imagePullPolicy": "Always",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {
            "httpGet": {"path": "/ready", "port": "http"},
            "periodSeconds": 1,
            "failureThreshold": 3,
        },
        "livenessProbe": {
            "httpGet": {"path": "/health", "port": "http"},
            "periodSeconds": 10,
            "timeoutSeconds": 5,
        },
        "resources": {"requests": {"cpu": "10m", "memory": "16Mi"}, "limits": {"memory": "96Mi"}},
        "securityContext": {
            "runAsNonRoot": True,
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
        },
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": service, "namespace": space, "labels": {**labels, **OWNER}},
        "spec": {
            "replicas": replicas,
            "selector": {"matchLabels": {"app": service}},
            "strategy": {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1, "maxUnavailable": 0}},
            "template": {
                "metadata": {
                    "labels": labels,
                    "annotations": {
                        "prometheus.io/scrape": "true",
                        "prometheus.io/port": "8080",
                        "sandbox/build": build,
                    },
                },
                # The service goes on answering for four seconds after it was
                # told to end, then finishes what is under way.
                "spec": {
                    "terminationGracePeriodSeconds": 15,
                    "automountServiceAccountToken": False,
                    "containers": [container],
                },
            },
        },
    }


def service(name: str, space: str) -> Json:
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": space, "labels": {"app": name, **OWNER}},
        "spec": {"selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]},
    }


def ingress(space: str) -> Json:
    backend = {"service": {"name": GATEWAY, "port": {"name": "http"}}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": PLATFORM, "namespace": space, "labels": dict(OWNER)},
        "spec": {
            "ingressClassName": "nginx",
            "rules": [{"http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}],
        },
    }


def deployments(space: str, registry: str, version: str, build: str) -> list[Json]:
    return [deployment(name, space, f"{registry}/{name}:{version}", build) for name in SERVICES]


def services(space: str) -> list[Json]:
    return [service(name, space) for name in SERVICES]
