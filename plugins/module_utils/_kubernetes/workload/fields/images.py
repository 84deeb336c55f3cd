# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Images, by container."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import ContainerField, Description, FieldValues, Path


class Images(ContainerField):
    """``("images", container)``: the image."""

    key = "images"
    depth = 1

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        images = workload.get("images") or {}
        return {(self.key, container): image for container, image in images.items()}

    def live(self, obj: Object, path: Path) -> t.Any:
        return self.container(obj, path[1])["image"]

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        self.container_patch(spec, obj, path[1])["image"] = desired

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        return [Description(moved(live, desired), path[1])]


def moved(before: str, after: str) -> str:
    """From one image to another, as short as the two still differ: by the tag, the name, the whole."""
    for shortened in (short, lambda image: image.rsplit("/", 1)[-1]):
        if shortened(before) != shortened(after):
            return f"{shortened(before)} -> {shortened(after)}"
    return f"{before} -> {after}"


def short(image: str) -> str:
    """An image as a person says it: its tag or digest; the repository stays the same nearly always."""
    name = image.rsplit("/", 1)[-1]
    if "@" in name:
        return name.split("@", 1)[1][:19]
    return name.partition(":")[2] or name
