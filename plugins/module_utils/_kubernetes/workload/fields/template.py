# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Fields of the pod template as a whole."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from ..pod_spec import containers
from .base import Description, Field, FieldValues, Path
from .images import moved

CONFIG = "runbook.release/config-hash"


class Config(Field):
    """``("config",)``: names and hashes of ConfigMaps and Secrets; None: they were never hashed."""

    key = "config"

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        text = workload.get("config_text")
        return {(self.key,): text} if text else {}

    def live(self, obj: Object, path: Path) -> t.Any:
        return hash_of(obj["spec"]["template"])

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        metadata = spec.setdefault("template", {}).setdefault("metadata", {})
        metadata["annotations"] = {CONFIG: desired}

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        return [Description("new configuration")]


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


def hash_of(template: Object) -> str | None:
    annotations = (template.get("metadata") or {}).get("annotations") or {}
    return t.cast("str | None", annotations.get(CONFIG))
