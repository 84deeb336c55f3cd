# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Fields that stand in a container of the pod template."""

from __future__ import annotations

from ...api.port import Object
from ..pod_spec import containers
from .base import Field, NotThere


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
