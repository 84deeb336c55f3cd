# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The Job in which the program of an engine runs, and the Secret that it gets its environment from. Pure."""

from __future__ import annotations

import hashlib
import typing as t

from ...._kubernetes.api.port import Object
from ...._kubernetes.job import spec
from ...login import Login
from .supervised import ProgramPurpose

DATABASE, MIGRATION, DIRECTION, RUN = (
    f"runbook.release/{name}" for name in ("database", "migration", "direction", "run")
)
# A program that is ended gets no more time: the server takes back what it has not committed.
_GRACE = 5
# For as long the next run learns how a Job has ended whose own run is gone. Its Secret goes with it.
_TTL = 3600


def database_id(login: Login) -> str:
    """Of a database as pods reach it, as a label holds it."""
    given = login.parameters
    return hashlib.sha256(
        f"{given.get('host', '')}:{given.get('port', '5432')}/{login.database}".encode()
    ).hexdigest()[:16]


def name_of(purpose: ProgramPurpose) -> str:
    """The same for the same migration of the same database. With a hash,
    since names hold fewer characters than those of databases and files.
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
    """A name of its own for each run: that of the run before may still be on its way out."""
    return f"{job['metadata']['name']}-{job['metadata']['annotations'][RUN]}"


def body(
    source: spec.Source, options: t.Mapping[str, t.Any], purpose: ProgramPurpose, release: str, run: str, *, arguments: t.Sequence[str],
    variables: t.Iterable[str], folder: str, seconds: int,
) -> Object:  # fmt: skip
    """
    :param run: tells this run's Job from one of the same name.
    :param variables: names of what its Secret holds.
    :param folder: inside the image.
    """
    labels = {DATABASE: database_id(purpose.login)}
    annotations = {
        MIGRATION: purpose.migration,
        DIRECTION: purpose.direction,
        RUN: run,
        spec.RELEASE: release,
    }
    # A Kubernetes of its own would put variables into what we have put together.
    command = [argument.replace("$(", "$$(") for argument in arguments]
    given = {
        **options,
        "name": name_of(purpose),
        "release": None,
        "command": command,
        "args": None,
        "retries": 0,
        "ttl": _TTL,
        "timeout": seconds,
    }
    job = spec.body(source._replace(metadata={"labels": labels, "annotations": annotations}), given)
    pod, container = job["spec"]["template"]["spec"], spec.container_of(job, options["container"])
    pod["restartPolicy"] = "Never"  # begun again, it would run without anybody who has looked
    pod["terminationGracePeriodSeconds"] = _GRACE
    container["workingDir"] = folder
    names = sorted(variables)
    # Each by itself: what the template sets by name wins over a whole Secret.
    kept = [entry for entry in container.get("env") or [] if entry["name"] not in names]
    references = (
        {"name": name, "valueFrom": {"secretKeyRef": {"name": secret_of(job), "key": name}}} for name in names
    )
    container["env"] = [*kept, *references]
    return job


def secret(job: Object, environment: t.Mapping[str, str]) -> Object:
    """Owned by the Job that is there: it goes when the Job goes, whoever takes that away."""
    meta = job["metadata"]
    owner = {"apiVersion": "batch/v1", "kind": "Job", "name": meta["name"], "uid": meta["uid"]}
    return {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": secret_of(job), "labels": {**meta["labels"]}, "ownerReferences": [owner]},
        "type": "Opaque",
        "stringData": dict(environment),
    }
