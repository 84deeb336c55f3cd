# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The Job that is wanted: pure, from what the task gives and the template it names."""

from __future__ import annotations

import copy
import hashlib
import json
import re
import typing as t

from ..._common.errors import InputError
from ..._common.options import Option
from ..api.port import Object

# Of whatever makes a Job from the image of a service.
OPTIONS: dict[str, Option] = {
    "workload": Option("str"),
    "image": Option("str"),
    "container": Option("str"),
    "env": Option("dict"),
    "env_from": Option(
        "list",
        each=Option(
            "dict",
            fields={
                "secret": Option("str", secret=False),
                "config_map": Option("str"),
                "prefix": Option("str"),
            },
            constraints={
                "mutually_exclusive": [["secret", "config_map"]],
                "required_one_of": [["secret", "config_map"]],
            },
        ),
    ),
    "service_account": Option("str"),
    "resources": Option("dict"),
}
HASH, RELEASE, JOB = "runbook.release/spec-hash", "runbook.release/release", "runbook.release/job"
_LABELS = {"app.kubernetes.io/managed-by": "runbook.release"}
# A Job's name is a label of its pods, and those hold 63 characters.
_LONGEST = 63
_DAY = 86400
# What belongs to a process that serves, and what would keep a Job from ending or starting.
_OF_A_SERVICE = ("ports", "livenessProbe", "readinessProbe", "startupProbe", "lifecycle")
_OF_A_POD_THAT_SERVES = (
    "initContainers",
    "restartPolicy",
    "hostname",
    "subdomain",
    "readinessGates",
    "nodeName",
)


def name_of(name: str, release: str | None) -> str:
    """The same for the same name and release, so that another run finds what this one has begun."""
    full = re.sub(r"[^a-z0-9-]+", "-", f"{name}-{release}".lower() if release else name.lower()).strip("-")
    if not full:
        raise InputError(f"name: found {name!r}; allowed: a name with letters or digits in it")
    if len(full) <= _LONGEST:
        return full
    return f"{full[: _LONGEST - 9].rstrip('-')}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


class Source(t.NamedTuple):
    """What a Job is made from: its spec, its labels and annotations, and how to call where that came from."""

    spec: Object
    metadata: Object
    called: str


def from_image(image: str) -> Source:
    return Source({"template": {"spec": {"containers": [{"name": "task", "image": image}]}}}, {}, "the image")


def from_workload(workload: Object, container: str | None) -> Source:
    """One container of a workload that serves, as a one-shot: its image, environment, volumes and identity.

    Its labels stay behind: a Service that selects them would send requests to the Job.
    """
    given, called = (
        copy.deepcopy(workload["spec"]["template"]),
        f"{workload['kind']} {workload['metadata']['name']}",
    )
    spec = {key: value for key, value in given["spec"].items() if key not in _OF_A_POD_THAT_SERVES}
    chosen = _chosen(spec, container, called)
    spec["containers"] = [{key: value for key, value in chosen.items() if key not in _OF_A_SERVICE}]
    annotations = (given.get("metadata") or {}).get("annotations")
    return Source(
        {"template": {**({"metadata": {"annotations": annotations}} if annotations else {}), "spec": spec}},
        {},
        called,
    )


def from_definition(definition: t.Any, called: str) -> Source:
    """The spec of a Job that the user wrote."""
    if (
        not isinstance(definition, dict)
        or definition.get("kind") != "Job"
        or not isinstance(definition.get("spec"), dict)
    ):
        found = (
            definition.get("kind", "no kind") if isinstance(definition, dict) else type(definition).__name__
        )
        raise InputError(f"{called}: found {found}; allowed: one Job of batch/v1 with a spec")
    spec = definition["spec"]
    if not ((spec.get("template") or {}).get("spec") or {}).get("containers"):
        raise InputError(
            f"{called}: spec.template.spec.containers is missing; allowed: at least one container"
        )
    return Source(spec, definition.get("metadata") or {}, called)


def from_cron_job(cron_job: Object) -> Source:
    template = cron_job["spec"]["jobTemplate"]
    return Source(template["spec"], template.get("metadata") or {}, f"CronJob {cron_job['metadata']['name']}")


def body(source: Source, params: dict[str, t.Any]) -> Object:
    """The whole Job. What the task says wins over the template;
    a limit that neither sets is one try, and the timeout.
    """
    spec = copy.deepcopy(source.spec)
    pod = spec["template"].setdefault("spec", {})
    chosen = _chosen(pod, params["container"], source.called)
    _overlay(chosen, pod, params)
    if pod.get("restartPolicy") not in ("Never", "OnFailure"):
        pod["restartPolicy"] = "Never"
    for option, field, default in (("retries", "backoffLimit", 0), ("ttl", "ttlSecondsAfterFinished", _DAY)):
        spec[field] = params[option] if params[option] is not None else spec.get(field, default)
    # Also what ends it when nobody looks any more.
    spec["activeDeadlineSeconds"] = params["timeout"]
    # A suspended Job, or one that is counted by hand, is none that can be waited for.
    for field in ("suspend", "selector", "manualSelector"):
        spec.pop(field, None)
    name = name_of(params["name"], params["release"])
    of_pod = spec["template"].setdefault("metadata", {})
    of_pod["labels"] = {**(of_pod.get("labels") or {}), **_LABELS, JOB: name}
    # Two Jobs of the same content are the same work; who waits how long for it is no part of that.
    digest = hashlib.sha256(
        json.dumps(
            {**spec, "activeDeadlineSeconds": 0, "ttlSecondsAfterFinished": 0}, sort_keys=True
        ).encode()
    ).hexdigest()[:16]
    annotations = {
        **(source.metadata.get("annotations") or {}),
        HASH: digest,
        **({RELEASE: params["release"]} if params["release"] else {}),
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": {**(source.metadata.get("labels") or {}), **_LABELS, JOB: name},
            "annotations": annotations,
        },
        "spec": spec,
    }


def container_of(job: Object, container: str | None) -> Object:
    """The container whose exit code and log are the Job's."""
    return _chosen(job["spec"]["template"]["spec"], container, "the Job")


def shown(job: Object, container: str | None) -> dict[str, t.Any]:
    """What a person wants to see of it before it runs."""
    chosen = container_of(job, container)
    told = {key: chosen[key] for key in ("image", "command", "args") if chosen.get(key)}
    env = {entry["name"]: entry.get("value", "(from the cluster)") for entry in chosen.get("env") or []}
    return {
        **told,
        **({"env": env} if env else {}),
        "timeout": job["spec"]["activeDeadlineSeconds"],
        "retries": job["spec"]["backoffLimit"],
    }


def _chosen(pod: Object, container: str | None, called: str) -> Object:
    names = [item["name"] for item in pod.get("containers") or []]
    if container is None and names:
        return t.cast("Object", pod["containers"][0])
    if container not in names:
        raise InputError(
            f"container: {called} has no container named {container}; it has: {', '.join(names) or 'none'}"
        )
    return t.cast("Object", pod["containers"][names.index(container)])


def _overlay(container: Object, pod: Object, params: dict[str, t.Any]) -> None:
    for option in ("image", "command", "args", "resources"):
        if params[option] is not None:
            container[option] = params[option]
    if params["command"] is not None and params["args"] is None:
        container.pop("args", None)  # those of the template belong to its own command
    if params["env"]:
        kept = [entry for entry in container.get("env") or [] if entry["name"] not in params["env"]]
        container["env"] = kept + [
            {"name": name, "value": str(value)} for name, value in params["env"].items()
        ]
    for source in params["env_from"] or []:
        reference = (
            {"secretRef": {"name": source["secret"]}}
            if source["secret"]
            else {"configMapRef": {"name": source["config_map"]}}
        )
        container.setdefault("envFrom", []).append(
            {**reference, **({"prefix": source["prefix"]} if source["prefix"] else {})}
        )
    if params["service_account"]:
        pod["serviceAccountName"] = params["service_account"]
        pod.pop("serviceAccount", None)
