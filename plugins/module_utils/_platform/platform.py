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
from .._common.options import REQUIRED, Option, did_you_mean, validate
from .._common.redact import is_secret_key
from .._gate import service_schema
from . import sections
from .service import service_option
from .waves import waves


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

    def batches(self) -> list[dict[str, t.Any]]:
        """Consecutive waves with no smoke check between them. A batch ends with
        a wave that has smoke checks, or with the last wave.
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
        """What maintenance mode does, in the form that kube_maintenance takes."""
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
        passed_on = ("config", "replicas", "timeout", *sections.STRATEGIES)
        found.update({key: service[key] for key in passed_on if service.get(key) is not None})
        # Defaults are not passed on, so that a Deployment keeps its own strategy when the user names none.
        defaults = (("kind", "Deployment"), ("strategy", "rolling"))
        found.update({key: service[key] for key, default in defaults if service[key] != default})
        return found


def platform(variables: t.Mapping[str, t.Any]) -> Platform:
    """Checks everything named ``release_*`` and raises one InputError that lists all that is wrong."""
    problems: list[str] = []
    known = {
        **sections.variables(),
        "release_services": Option("list", REQUIRED, allowed="a list of services", each=service_option()),
    }
    for name in variables:
        if name.startswith("release_") and name not in known:
            problems.append(
                f"{name}: unknown variable{did_you_mean(name, known)}; allowed: {', '.join(known)}"
            )
    values = {name: validate(name, variables.get(name), option, problems) for name, option in known.items()}
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
            + known["release_url"].allowed_text()
        )
    if problems:
        count = "One problem" if len(problems) == 1 else f"{len(problems)} problems"
        raise InputError(
            f"{count} in the description of the platform; nothing was changed.",
            why=problems,
            then="fix the problems listed above in the inventory (or -e), then run the same command again",
        )
    values["release_namespace"] = values["release_namespace"] or values["release_platform"]
    return Platform(
        {
            name.removeprefix("release_"): value
            for name, value in values.items()
            if name not in ("release_services", "release_smoke", *sections.passed_through())
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
