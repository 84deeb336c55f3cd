# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The platform as the user describes it (design, section 4): checked as a whole before anything changes.

One error lists every problem: unknown keys, wrong types, names that nobody has, cycles.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.errors import InputError
from .._common.operation import Context, Operation, Result
from .._common.options import REQUIRED, Option, did_you_mean, validate, without_defaults
from .._common.redact import is_secret_key
from .._gate import service_schema
from .._gate.smoke_schema import CHECK
from .._postgresql import login
from .._postgresql.backup.programs import ENCRYPTIONS
from .._postgresql.backup.stores import options as store
from .._postgresql.migration import job_options as job
from .waves import waves

# RFC 1123 label: what Kubernetes takes as the name of a namespace, and of a Service.
_LABEL = "[a-z0-9]([-a-z0-9]{0,61}[a-z0-9])?"
_LABEL_SAYS = "lower-case letters, digits and '-', at most 63, beginning and ending with a letter or digit"
# The OCI distribution specification's tag.
_TAG = "[A-Za-z0-9_][A-Za-z0-9._-]{0,127}"
_TAG_SAYS = (
    "a quoted string of letters, digits, '_', '.', '-', at most 128 (an unquoted 1.10 is the number 1.1)"
)
# One service may be pinned to a digest; the release itself is named by a tag.
_VERSION = f"sha256:[0-9a-f]{{64}}|{_TAG}"
_VERSION_SAYS = f"{_TAG_SAYS}, or a digest, sha256:..."

SERVICE = Option(
    "dict",
    allowed="a dictionary that has at least name",
    fields={
        "name": Option("str", REQUIRED, pattern=_LABEL, allowed=_LABEL_SAYS),
        "after": Option("list", each=Option("str", REQUIRED)),
        "config": Option(
            "list",
            each=Option(
                "str",
                REQUIRED,
                pattern="(ConfigMap|Secret)/[a-z0-9.-]+",
                allowed="ConfigMap/NAME or Secret/NAME",
            ),
        ),
        "container": Option("str", pattern=_LABEL, allowed=_LABEL_SAYS),
        "env": Option("dict", allowed="a dictionary of variables of its container; null unsets one"),
        "image": Option(
            "str", pattern=r"[^\s:@]+(:\d+/[^\s:@]+)?", allowed="an image repository without tag or digest"
        ),
        "images": Option(
            "dict",
            allowed="a dictionary of container and image, with tag or digest: init containers and sidecars",
        ),
        "kind": Option("str", "Deployment", choices=("Deployment", "StatefulSet", "DaemonSet")),
        "maintenance": Option(
            "dict",
            allowed="a dictionary with replicas or env, or both",
            fields={
                "env": Option("dict", allowed="a dictionary of variables of its container; null unsets one"),
                "replicas": Option("int", low=0),
            },
        ),
        "port": Option("int", low=1, high=65535),
        "replicas": Option("int", low=0),
        "resources": Option(
            "dict",
            allowed="a dictionary with limits and requests of its container",
            fields={
                "limits": Option("dict", allowed="a dictionary of quantities"),
                "requests": Option("dict", allowed="a dictionary of quantities"),
            },
        ),
        "smoke": Option("list", each=CHECK),
        "strategy": Option("str", "rolling", choices=("rolling", "recreate")),
        "timeout": Option("int", low=1),
        "version": Option("str", pattern=_VERSION, allowed=_VERSION_SAYS),
    },
)


# How the database and its neighbours are reached, what they have to be like, and what
# is said of backups. Modules and roles get them as they are: results show no passwords.
APART: dict[str, Option] = {
    "release_database": Option(
        "dict",
        allowed="a dictionary of the login options of pg_backup, with database",
        fields=without_defaults(login.OPTIONS),
    ),
    "release_backup": Option(
        "dict",
        allowed="a dictionary with store, and what else the role backup takes",
        fields={
            "drill": Option("bool"),
            "encryption": Option("str", choices=ENCRYPTIONS),
            "identity": Option("str"),
            "keep": Option(
                "list",
                each=Option(
                    "dict",
                    fields={
                        "kind": Option("str", REQUIRED),
                        "count": Option("int", low=1),
                        "days": Option("int", low=1),
                    },
                ),
            ),
            "pg_bin": Option("str"),
            "recipients": Option("list", each=Option("str", REQUIRED)),
            "store": Option(
                "dict",
                allowed="a dictionary of the store options of pg_backup: path, or bucket and others",
                fields=without_defaults(store.OPTIONS),
            ),
            "tags": Option("dict"),
            "verified_within": Option("int", low=1),
        },
    ),
    "release_database_health": Option(
        "dict",
        allowed="a dictionary of the options of pg_health_info besides those of the login, such as queries",
    ),
    "release_redis": Option("dict", allowed="a dictionary of the options of redis_health_info"),
    "release_dependencies": Option(
        "list", allowed="a list of the checks of service_check", each=service_schema.CHECK
    ),
}

VARIABLES: dict[str, Option] = {
    **APART,
    "release_platform": Option("str", REQUIRED, pattern=_LABEL, allowed=_LABEL_SAYS),
    "release_version": Option("str", REQUIRED, pattern=_TAG, allowed=_TAG_SAYS),
    "release_namespace": Option("str", pattern=_LABEL, allowed=_LABEL_SAYS),
    "release_registry": Option(
        "str", REQUIRED, pattern=r"[^\s@]*[^\s@/]", allowed="host[:port][/path] without a slash at the end"
    ),
    "release_services": Option("list", REQUIRED, allowed="a list of services", each=SERVICE),
    "release_smoke": Option("list", allowed="a list of smoke checks", each=CHECK),
    "release_drain": Option(
        "dict",
        allowed="a dictionary with metric, at_most, port, path and timeout, as the drain of kube_scale",
        fields={
            "at_most": Option("raw"),
            "metric": Option("str", pattern="[a-zA-Z_:][a-zA-Z0-9_:]*", allowed="the name of a metric"),
            "path": Option("str", pattern="/.*", allowed="a path that begins with /"),
            "port": Option("int", low=1, high=65535),
            "timeout": Option("int", low=1),
        },
    ),
    "release_migrations": Option(
        "list",
        allowed="a list of folders of migrations, each a dictionary with src and, where needed, what else pg_migrate takes",
        each=Option(
            "dict",
            fields={
                "engine": Option("str"),
                "job": Option(
                    "dict",
                    allowed="a dictionary as the option job of pg_migrate",
                    fields=without_defaults(job.OPTIONS),
                ),
                "lint": Option("str"),
                "lint_block": Option("list"),
                "migrations_dir": Option("str"),
                "program": Option("str"),
                "scope": Option("str"),
                "src": Option("str", REQUIRED, allowed="a folder"),
                "table": Option("str"),
            },
        ),
    ),
    "release_migrate_allow_data_loss": Option("bool", False),
    "release_lock_wait_timeout": Option("int", 0, low=0),
    "release_url": Option(
        "str", pattern=r"https?://\S+", allowed="the platform's address as users see it, http:// or https://"
    ),
    "release_kubeconfig": Option("str"),
    "release_context": Option("str"),
    "release_timeout": Option("int", 300, low=1),
    "release_parallel": Option("int", low=1),
    "release_stuck_after": Option("int", 60, low=1),
    "release_lock_force": Option("bool", False),
    "release_require_healthy": Option("bool", True),
    "release_report_dir": Option("str", "release-reports"),
}


@dataclasses.dataclass(frozen=True)
class Platform:
    """The checked variables (by their names without ``release_``), the services by name, and the waves."""

    values: dict[str, t.Any]
    services: dict[str, dict[str, t.Any]]
    waves: list[list[str]]

    def image(self, name: str) -> str:
        service = self.services[name]
        repository = service["image"] or f"{self.values['registry']}/{name}"
        version = service["version"] or self.values["version"]
        return f"{repository}{'@' if version.startswith('sha256:') else ':'}{version}"

    def stretches(self) -> list[dict[str, t.Any]]:
        """Waves that roll out without a look in between: each stretch
        ends with a wave whose services have smoke checks, or the last.
        """
        found: list[dict[str, t.Any]] = []
        begun: list[int] = []
        for number, wave in enumerate(self.waves, start=1):
            begun.append(number)
            checked_here = any(self.services[name]["smoke"] for name in wave)
            if checked_here or number == len(self.waves):
                title = f"wave {number}" if len(begun) == 1 else f"waves {begun[0]} to {number}"
                workloads = [workload for at in begun for workload in self.workloads(at)]
                found.append(
                    {
                        "title": title,
                        "services": [w["name"] for w in workloads],
                        "workloads": workloads,
                        "checked": wave if checked_here else [],
                    }
                )
                begun = []
        return found

    def workloads(self, number: int) -> list[dict[str, t.Any]]:
        """One wave in the form that kube_rollout takes."""
        return [self._workload(name, number) for name in self.waves[number - 1]]

    def maintenance(self) -> list[dict[str, t.Any]]:
        """What maintenance mode does, in the form that kube_scale takes."""
        found = []
        for name, service in self.services.items():
            if wanted := service["maintenance"]:
                container = service["container"] or name
                env = {"env": {container: wanted["env"]}} if wanted["env"] else {}
                replicas = {} if wanted["replicas"] is None else {"replicas": wanted["replicas"]}
                found.append({"name": name, "kind": service["kind"], **env, **replicas})
        return found

    def _workload(self, name: str, number: int) -> dict[str, t.Any]:
        service = self.services[name]
        container = service["container"] or name
        found = {
            "name": name,
            "wave": number,
            "images": {container: self.image(name), **(service["images"] or {})},
        }
        if service["env"]:
            found["env"] = {container: service["env"]}
        if resources := {kind: amounts for kind, amounts in (service["resources"] or {}).items() if amounts}:
            found["resources"] = {container: resources}
        found.update(
            {key: service[key] for key in ("config", "replicas", "timeout") if service[key] is not None}
        )
        # Left out where they say what is so anyway: a Deployment whose own strategy is Recreate keeps it.
        found.update(
            {
                key: service[key]
                for key, usual in (("kind", "Deployment"), ("strategy", "rolling"))
                if service[key] != usual
            }
        )
        return found


def platform(variables: t.Mapping[str, t.Any]) -> Platform:
    """Checks everything named ``release_*`` and raises one InputError that lists all that is wrong."""
    problems: list[str] = []
    for name in variables:
        if name.startswith("release_") and name not in VARIABLES:
            problems.append(
                f"{name}: unknown variable{did_you_mean(name, VARIABLES)}; allowed: {', '.join(VARIABLES)}"
            )
    values = {name: validate(name, variables.get(name), field, problems) for name, field in VARIABLES.items()}
    if values["release_dependencies"]:
        problems += service_schema.problems(
            values["release_dependencies"], variables["release_dependencies"], "release_dependencies"
        )
    services = [service for service in values["release_services"] or [] if service and service["name"]]
    if values["release_services"] == []:
        problems.append("release_services: found an empty list; allowed: at least one service")
    found, graph = waves(services)
    problems += [f"release_services: {problem}" for problem in graph]
    problems += _literal_secrets(services)
    if (values["release_smoke"] or any(service["smoke"] for service in services)) and not values[
        "release_url"
    ]:
        problems.append(
            "release_url: is missing, and there are smoke checks; allowed: "
            + VARIABLES["release_url"].allowed_text()
        )
    if problems:
        count = "One problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(
            f"{count} in the description of the platform; nothing was changed.",
            why=problems,
            then="correct the inventory (or -e) and run the same command again",
        )
    values["release_namespace"] = values["release_namespace"] or values["release_platform"]
    return Platform(
        {
            name.removeprefix("release_"): value
            for name, value in values.items()
            if name not in ("release_services", "release_smoke", *APART)
        },
        {service["name"]: service for service in services},
        found,
    )


def _literal_secrets(services: list[dict[str, t.Any]]) -> t.Iterator[str]:
    """A literal in a pod template can be read by whoever may read
    the workload, and would be in every result on the way there.
    """
    for service in services:
        for name, value in (service["env"] or {}).items():
            if is_secret_key(name) and isinstance(value, str):
                yield (
                    f"release_services ({service['name']}).env.{name}: found a literal, and the name says that it is secret; "
                    "allowed: valueFrom with secretKeyRef, or a number"
                )


def run(_ports: None, context: Context) -> Result:
    found = platform(context.params["variables"])
    # Smoke checks are not among the results: their bodies may hold passwords, and a result is redacted.
    return Result(
        False,
        values={
            **found.values,
            "services": list(found.services),
            "waves": found.waves,
            "stretches": found.stretches(),
            "maintenance": found.maintenance(),
        },
    )


OPERATION = Operation({"variables": Option("dict", REQUIRED)}, lambda context: None, run)
