# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a field of a workload is: one value that a release may set, which knows how to compare, patch and say."""

from __future__ import annotations

import abc
import typing as t

from ...api.port import Object
from ..pod_spec import containers

# The keyword of the field, and what stands below it: ("env", container, name).
Path = tuple[str, ...]
FieldValues = dict[Path, t.Any]


class NotThere(Exception):
    """The workload has no place for this path, as a container that it does not have."""


class Description(t.NamedTuple):
    """A change in words. ``container`` is named before it where several containers get a new image."""

    text: str
    container: str = ""


class Field(abc.ABC):
    """A field with the keyword by which users, results, records and baselines know it."""

    key: t.ClassVar[str]
    # How many names stand below the keyword.
    depth: t.ClassVar[int] = 0
    # Whether its change replaces pods.
    of_template: t.ClassVar[bool] = True

    @abc.abstractmethod
    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        """What the user wants of it, in the shape of the API server."""

    @abc.abstractmethod
    def live(self, obj: Object, path: Path) -> t.Any:
        """The value in the cluster; raises :class:`NotThere`."""

    @abc.abstractmethod
    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        """Adds what leads from the live value to the desired one to the ``spec`` of a strategic merge patch."""

    def same(self, live: t.Any, desired: t.Any) -> bool:
        return bool(live == desired)

    @abc.abstractmethod
    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        """How a result shows the change."""

    def shown(self, path: Path, value: t.Any) -> t.Any:
        """The value as a diff shows it."""
        return value


class ContainerField(Field):
    """A field whose path names a container first."""

    def container(self, obj: Object, name: str) -> Object:
        for container in containers(obj["spec"]["template"]):
            if container["name"] == name:
                return container
        raise NotThere(name)

    def container_patch(self, spec: Object, obj: Object, name: str) -> Object:
        """The entry of the container in the patch, where it stands in the workload: init container or not."""
        init = obj["spec"]["template"]["spec"].get("initContainers") or []
        among = "containers"
        if any(container["name"] == name for container in init):
            among = "initContainers"
        pod_spec = spec.setdefault("template", {}).setdefault("spec", {})
        entries: list[Object] = pod_spec.setdefault(among, [])
        for entry in entries:
            if entry["name"] == name:
                return entry
        entries.append({"name": name})
        return entries[-1]


def covers(live: t.Any, desired: t.Any) -> bool:
    """Whether ``live`` is ``desired`` and the defaults that the API server adds (a fieldRef's apiVersion, ...)."""
    if isinstance(live, dict) and isinstance(desired, dict):
        return all(key in live and covers(live[key], value) for key, value in desired.items())
    return bool(live == desired)
