# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The whole pod template, where a rollback goes to an older revision."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from ..pod_spec import containers
from .base import Description, Field, FieldValues, Path
from .images import moved


class Template(Field):
    """``("template",)``: the pod template."""

    key = "template"

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        return {}

    def live(self, obj: Object, path: Path) -> t.Any:
        return obj["spec"]["template"]

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        spec["template"] = {"$patch": "replace", **desired}

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        before = images_of(live)
        moves = [
            Description(moved(before.get(container, "none"), image), container)
            for container, image in images_of(desired).items()
            if before.get(container, "none") != image
        ]
        return moves or [Description("pod template of an older revision")]


def images_of(template: Object) -> dict[str, str]:
    """Images by container."""
    return {container["name"]: container["image"] for container in containers(template)}
