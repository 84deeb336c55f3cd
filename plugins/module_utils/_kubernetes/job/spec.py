# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The desired Job: pure, from what the task gives and the template it names."""

from __future__ import annotations

import copy
import dataclasses
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
HASH = "runbook.release/spec-hash"
RELEASE = "runbook.release/release"
JOB = "runbook.release/job"
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
    words = f"{name}-{release}" if release else name
    full = re.sub(r"[^a-z0-9-]+", "-", words.lower()).strip("-")
    if not full:
        raise InputError(f"name: found {name!r}; allowed: a name with letters or digits in it")
    if len(full) <= _LONGEST:
        return full
    return f"{full[: _LONGEST - 9].rstrip('-')}-{hashlib.sha256(full.encode()).hexdigest()[:8]}"


@dataclasses.dataclass(frozen=True)
class JobRequest:
    """What a task says of its Job; None where the template decides.

    :ivar release: part of the name, and an annotation.
    :ivar container: the one that the request is about; None: the first.
    :ivar timeout, ttl: seconds; for its run, and for which it is kept after its end.
    """

    name: str
    timeout: int
    release: str | None = None
    container: str | None = None
    image: str | None = None
    command: list[str] | None = None
    args: list[str] | None = None
    env: dict[str, t.Any] | None = None
    env_from: list[dict[str, t.Any]] | None = None
    service_account: str | None = None
    resources: dict[str, t.Any] | None = None
    retries: int | None = None
    ttl: int | None = None


# The options that a request is made of.
REQUEST = tuple(field.name for field in dataclasses.fields(JobRequest))


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
    given = copy.deepcopy(workload["spec"]["template"])
    called = f"{workload['kind']} {workload['metadata']['name']}"
    spec = {key: value for key, value in given["spec"].items() if key not in _OF_A_POD_THAT_SERVES}
    chosen = _chosen(spec, container, called)
    spec["containers"] = [{key: value for key, value in chosen.items() if key not in _OF_A_SERVICE}]
    template = {"spec": spec}
    annotations = (given.get("metadata") or {}).get("annotations")
    if annotations:
        template["metadata"] = {"annotations": annotations}
    return Source({"template": template}, {}, called)


def from_definition(definition: t.Any, called: str) -> Source:
    """The spec of a Job that the user wrote."""
    given = definition.get("kind", "no kind") if isinstance(definition, dict) else type(definition).__name__
    if given != "Job" or not isinstance(definition.get("spec"), dict):
        raise InputError(f"{called}: found {given}; allowed: one Job of batch/v1 with a spec")
    spec = definition["spec"]
    if not ((spec.get("template") or {}).get("spec") or {}).get("containers"):
        raise InputError(
            f"{called}: spec.template.spec.containers is missing; allowed: at least one container"
        )
    return Source(spec, definition.get("metadata") or {}, called)


def from_cron_job(cron_job: Object) -> Source:
    template = cron_job["spec"]["jobTemplate"]
    return Source(template["spec"], template.get("metadata") or {}, f"CronJob {cron_job['metadata']['name']}")


def body(source: Source, request: JobRequest) -> Object:
    """The whole Job. What the request says wins over the template;
    a limit that neither sets is one try, and the timeout.
    """
    spec = copy.deepcopy(source.spec)
    pod = spec["template"].setdefault("spec", {})
    _overlay(_chosen(pod, request.container, source.called), pod, request)
    if pod.get("restartPolicy") not in ("Never", "OnFailure"):
        pod["restartPolicy"] = "Never"
    for field, given, default in (
        ("backoffLimit", request.retries, 0),
        ("ttlSecondsAfterFinished", request.ttl, _DAY),
    ):
        spec[field] = given if given is not None else spec.get(field, default)
    # It also ends the Job when nobody waits for it any more.
    spec["activeDeadlineSeconds"] = request.timeout
    # A Job that is suspended, or whose pods are selected by hand, cannot be waited for.
    for field in ("suspend", "selector", "manualSelector"):
        spec.pop(field, None)
    name = name_of(request.name, request.release)
    labels = {**_LABELS, JOB: name}
    pod_metadata = spec["template"].setdefault("metadata", {})
    pod_metadata["labels"] = {**(pod_metadata.get("labels") or {}), **labels}
    annotations = {**(source.metadata.get("annotations") or {}), HASH: _digest(spec)}
    if request.release:
        annotations[RELEASE] = request.release
    return {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {
            "name": name,
            "labels": {**(source.metadata.get("labels") or {}), **labels},
            "annotations": annotations,
        },
        "spec": spec,
    }


def _digest(spec: Object) -> str:
    """Two Jobs of the same content are the same work; the limits of the wait for it are not part of that."""
    content = {**spec, "activeDeadlineSeconds": 0, "ttlSecondsAfterFinished": 0}
    text = json.dumps(content, sort_keys=True)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def container_of(job: Object, container: str | None) -> Object:
    """The container whose exit code and log are the Job's."""
    return _chosen(job["spec"]["template"]["spec"], container, "the Job")


def shown(job: Object, container: str | None) -> dict[str, t.Any]:
    """What a person wants to see of it before it runs."""
    chosen = container_of(job, container)
    values = {key: chosen[key] for key in ("image", "command", "args") if chosen.get(key)}
    env = {entry["name"]: entry.get("value", "(from the cluster)") for entry in chosen.get("env") or []}
    if env:
        values["env"] = env
    values["timeout"] = job["spec"]["activeDeadlineSeconds"]
    values["retries"] = job["spec"]["backoffLimit"]
    return values


def _chosen(pod: Object, container: str | None, called: str) -> Object:
    names = [item["name"] for item in pod.get("containers") or []]
    if container is None and names:
        return t.cast("Object", pod["containers"][0])
    if container not in names:
        raise InputError(
            f"container: {called} has no container named {container}; it has: {', '.join(names) or 'none'}"
        )
    return t.cast("Object", pod["containers"][names.index(container)])


def _overlay(container: Object, pod: Object, request: JobRequest) -> None:
    given = {
        "image": request.image,
        "command": request.command,
        "args": request.args,
        "resources": request.resources,
    }
    container.update({field: value for field, value in given.items() if value is not None})
    if request.command is not None and request.args is None:
        container.pop("args", None)  # those of the template belong to its own command
    env = request.env or {}
    if env:
        kept = [entry for entry in container.get("env") or [] if entry["name"] not in env]
        added = [{"name": name, "value": str(value)} for name, value in env.items()]
        container["env"] = kept + added
    for source in request.env_from or []:
        container.setdefault("envFrom", []).append(_environment_source(source))
    if request.service_account:
        pod["serviceAccountName"] = request.service_account
        pod.pop("serviceAccount", None)


def _environment_source(source: t.Mapping[str, t.Any]) -> Object:
    entry: Object = {}
    if source["secret"]:
        entry["secretRef"] = {"name": source["secret"]}
    else:
        entry["configMapRef"] = {"name": source["config_map"]}
    if source["prefix"]:
        entry["prefix"] = source["prefix"]
    return entry
