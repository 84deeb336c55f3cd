# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on Kubernetes: their options, their port, their work."""

from __future__ import annotations

import typing as t

from .._common._operation import Operation
from . import (
    _access,
    _apply,
    _exec,
    _health,
    _job,
    _job_spec,
    _lock_operations,
    _prune,
    _report,
    _rollback,
    _rollout,
    _scale,
)
from ._api import OPTIONS, ClusterApi
from ._port import WORKLOADS

_NAMESPACE: dict[str, t.Any] = {**OPTIONS, "namespace": {"type": "str", "required": True}}
_LOCK: dict[str, t.Any] = {"lock_force": {"type": "bool", "default": False}}
_TIMEOUT: dict[str, t.Any] = {
    "timeout": {"type": "int", "default": 300},
    "stuck_after": {"type": "int", "default": 60},
}

ROLLOUT = Operation(
    {
        **_NAMESPACE,
        **_LOCK,
        **_TIMEOUT,
        "release": {"type": "str", "required": True},
        "lock_token": {"type": "int", "no_log": False},
        "workloads": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "name": {"type": "str", "required": True},
                "kind": {"type": "str", "choices": list(WORKLOADS), "default": "Deployment"},
                "images": {"type": "dict"},
                "env": {"type": "dict", "no_log": False},
                "resources": {"type": "dict"},
                "config": {"type": "list", "elements": "str"},
                "replicas": {"type": "int"},
                "strategy": {"type": "str", "choices": ["rolling", "recreate"]},
                "timeout": {"type": "int"},
                "wave": {"type": "int", "default": 1},
            },
        },
        "parallel": {"type": "int"},
    },
    ClusterApi,
    _rollout.run,
)

SCALE = Operation(
    {
        **_NAMESPACE,
        **_LOCK,
        **_TIMEOUT,
        "release": {"type": "str", "required": True},
        "lock_token": {"type": "int", "no_log": False},
        "state": {"type": "str", "choices": ["present", "restored"], "default": "present"},
        "workloads": {
            "type": "list",
            "elements": "dict",
            "options": {
                "name": {"type": "str", "required": True},
                "kind": {"type": "str", "choices": list(WORKLOADS), "default": "Deployment"},
                "replicas": {"type": "int"},
                "env": {"type": "dict", "no_log": False},
            },
        },
        "drain": {
            "type": "dict",
            "options": {
                "timeout": {"type": "int", "default": 30},
                "metric": {"type": "str"},
                "at_most": {"type": "float", "default": 0},
                "port": {"type": "int", "default": 8080},
                "path": {"type": "str", "default": "/metrics"},
            },
        },
    },
    ClusterApi,
    _scale.run,
    {"required_if": [["state", "present", ["workloads"]]]},
)

ROLLBACK = Operation(
    {
        **_NAMESPACE,
        **_LOCK,
        **_TIMEOUT,
        "release": {"type": "str", "required": True},
        "workloads": {"type": "list", "elements": "str"},
        "to_revision": {"type": "int"},
        "to_release": {"type": "str"},
        "reason": {"type": "str"},
        "unfinished_only": {"type": "bool", "default": False},
    },
    ClusterApi,
    _rollback.run,
    {
        "mutually_exclusive": [["to_revision", "to_release", "unfinished_only"]],
        "required_by": {"to_revision": ["workloads"]},
    },
)

APPLY = Operation(
    {
        **_NAMESPACE,
        **_LOCK,
        **_TIMEOUT,
        "manifests": {"type": "list", "elements": "dict"},
        "src": {"type": "list", "elements": "path"},
        "wait": {"type": "bool", "default": True},
        "force_conflicts": {"type": "bool", "default": False},
        "keep_release": {"type": "bool", "default": True},
        "applyset": {"type": "str"},
        "prune": {"type": "bool", "default": False},
    },
    ClusterApi,
    _apply.run,
    {"required_one_of": [["manifests", "src"]], "required_if": [["prune", True, ["applyset"]]]},
)

PRUNE = Operation(
    {
        **_NAMESPACE,
        **_LOCK,
        **{option: {"type": "int"} for option in _prune.OPTIONS},
        "explain": {"type": "bool", "default": False},
    },
    ClusterApi,
    _prune.run,
    {"required_one_of": [list(_prune.OPTIONS)]},
)

ACCESS = Operation(
    {
        **_NAMESPACE,
        "read_only": {"type": "bool", "default": False},
        "parts": {"type": "list", "elements": "str", "choices": list(_access.OPTIONAL), "default": []},
    },
    ClusterApi,
    _access.run,
)

HEALTH = Operation(
    {
        **_NAMESPACE,
        "checks": {
            "type": "list",
            "elements": "str",
            "choices": list(_health.CHECKS),
            "default": [_health.WORKLOADS],
        },
        "workloads": {"type": "list", "elements": "str"},
        "kinds": {"type": "list", "elements": "str", "choices": list(WORKLOADS), "default": ["Deployment"]},
        "since": {"type": "int", "default": 3600},
        "restarts_allowed": {"type": "int", "default": 0},
        "events_allowed": {"type": "int", "default": 0},
        "expire_within": {"type": "int", "default": 30},
    },
    ClusterApi,
    _health.run,
)

LOCK = Operation(
    {
        **_NAMESPACE,
        "release": {"type": "str", "required": True},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "force": {"type": "bool", "default": False},
    },
    ClusterApi,
    _lock_operations.run,
)

LOCK_INFO = Operation({**_NAMESPACE}, ClusterApi, _lock_operations.look)

REPORT = Operation(
    {
        **_NAMESPACE,
        "platform": {"type": "str", "required": True},
        "release": {"type": "str", "required": True},
        "path": {"type": "path", "required": True},
        "reason": {"type": "str"},
        "smoke": {"type": "list", "elements": "dict"},
    },
    ClusterApi,
    _report.run,
)

_TEXTS: dict[str, t.Any] = {"type": "list", "elements": "str"}

JOB = Operation(
    {
        **_NAMESPACE,
        **_TIMEOUT,
        "name": {"type": "str", "required": True},
        "release": {"type": "str"},
        "lock_token": {"type": "int", "no_log": False},
        "definition": {"type": "dict"},
        "src": {"type": "path"},
        **_job_spec.OPTIONS,
        "command": _TEXTS,
        "args": _TEXTS,
        "retries": {"type": "int"},
        "ttl": {"type": "int"},
        "stuck_after": {"type": "int", "default": 60},
        "cleanup": {"type": "str", "choices": ["always", "on_success", "never"], "default": "always"},
        "rerun": {"type": "bool", "default": False},
        "log_lines": {"type": "int", "default": 20},
    },
    ClusterApi,
    _job.run,
    {
        "mutually_exclusive": [["definition", "src", "workload"]],
        "required_one_of": [["definition", "src", "workload", "image"]],
        "required_by": {"lock_token": ["release"]},
    },
)

EXEC = Operation(
    {
        **_NAMESPACE,
        "command": {**_TEXTS, "required": True},
        "workload": {"type": "str"},
        "pod": {"type": "str"},
        "container": {"type": "str"},
        "stdin": {"type": "str", "no_log": True},
        "timeout": {"type": "int", "default": 60},
    },
    ClusterApi,
    _exec.run,
    {"mutually_exclusive": [["workload", "pod"]], "required_one_of": [["workload", "pod"]]},
)
