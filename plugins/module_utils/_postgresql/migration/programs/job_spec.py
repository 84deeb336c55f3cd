# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The Job in which the program of an engine runs, and the Secret with its environment. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import typing as t

from ...._kubernetes.api.port import Object
from ...._kubernetes.job import spec
from ...login import Login
from ..job_options import JobOptions
from .supervised import ProgramPurpose

DATABASE, MIGRATION, DIRECTION, RUN = (
    f"runbook.release/{name}" for name in ("database", "migration", "direction", "run")
)
# The server rolls back what a program has not committed, so it needs no time to clean up.
_GRACE = 5
# Seconds for which a finished Job is kept, so that a later run can read its result. Its Secret is deleted with it.
_TTL = 3600


def database_id(login: Login) -> str:
    """Identifies a database, as pods reach it, in a label."""
    given = login.parameters
    return hashlib.sha256(
        f"{given.get('host', '')}:{given.get('port', '5432')}/{login.database}".encode()
    ).hexdigest()[:16]


def name_of(purpose: ProgramPurpose) -> str:
    """A name that depends only on database, migration and direction. It ends in a hash because the full text may
    exceed 63 characters.
    """
    digest = hashlib.sha256(
        "\0".join((database_id(purpose.login), purpose.migration, purpose.direction)).encode()
    ).hexdigest()[:8]
    return spec.name_of(
        f"migrate-{purpose.login.database}-{purpose.migration}-{purpose.direction}"[:54].rstrip("-._")
        + f"-{digest}",
        None,
    )


def secret_of(job: Object) -> str:
    """A new name for each run, because the Secret of the run before may still be in deletion."""
    return f"{job['metadata']['name']}-{job['metadata']['annotations'][RUN]}"


@dataclasses.dataclass(frozen=True)
class ProgramRun:
    """One run of a program in a Job.

    :ivar run: distinguishes the Job of this run from an earlier one of the same name.
    :ivar variables: names of the environment variables that its Secret holds.
    :ivar folder: working directory, inside the image.
    :ivar seconds: its deadline.
    """

    purpose: ProgramPurpose
    release: str
    run: str
    arguments: t.Sequence[str]
    variables: t.Sequence[str]
    folder: str
    seconds: int


def body(source: spec.Source, options: JobOptions, run: ProgramRun) -> Object:
    """
    :param options: the option ``job``.
    """
    purpose = run.purpose
    labels = {DATABASE: database_id(purpose.login)}
    annotations = {
        MIGRATION: purpose.migration,
        DIRECTION: purpose.direction,
        RUN: run.run,
        spec.RELEASE: run.release,
    }
    # Kubernetes expands $(NAME) in commands; escape it.
    command = [argument.replace("$(", "$$(") for argument in run.arguments]
    given = {name: value for name, value in options.template.items() if name in spec.REQUEST}
    request = spec.JobRequest(
        **given, name=name_of(purpose), command=command, retries=0, ttl=_TTL, timeout=run.seconds
    )
    job = spec.body(source._replace(metadata={"labels": labels, "annotations": annotations}), request)
    pod, container = job["spec"]["template"]["spec"], spec.container_of(job, options.container)
    pod["restartPolicy"] = "Never"  # a restart would run without the checks of this task
    pod["terminationGracePeriodSeconds"] = _GRACE
    container["workingDir"] = run.folder
    names = sorted(run.variables)
    # One by one, because a variable that the template sets by name wins over a whole Secret.
    kept = [entry for entry in container.get("env") or [] if entry["name"] not in names]
    references = (
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_of(job), "key": name}}} for name in names
    )
    container["env"] = [*kept, *references]
    return job


def secret(job: Object, environment: t.Mapping[str, str]) -> Object:
    """A Secret that the Job owns, so that it is deleted with it."""
    meta = job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_of(job), "labels": {**meta["labels"]}, "ownerReferences": [owner]},
        "type": "Opaque",
        "stringData": dict(environment),
    }
