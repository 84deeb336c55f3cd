# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""One Deployment from what is there to what is wanted: the step that rollouts and rollbacks are made of."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common._operation import Context
from ._port import KubeApi, Object, deployments
from ._settle import Target, Wait


@dataclasses.dataclass(frozen=True)
class Change:
    """``before`` and ``after`` hold ``images`` by container and ``replicas``; ``patch`` is empty when nothing has to change."""

    name: str
    wave: int
    target: Target
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    patch: Object

    def __str__(self) -> str:
        """What changes, in words."""
        pairs = [(self.before["images"][container], image) for container, image in self.after["images"].items()]
        said = [f"{short(was)} -> {short(image)}" for was, image in pairs if was != image]
        if self.after["replicas"] != self.before["replicas"]:
            said.append(f"{self.before['replicas']} -> {self.after['replicas']} replicas")
        return ", ".join(said) or "nothing but the marks of the release"

    def told(self, seconds: float | None = None) -> dict[str, t.Any]:
        """As it stands in results and in the record; without seconds when it was only planned."""
        told = {"name": self.name, "wave": self.wave, "changed": bool(self.patch), "images_before": self.before["images"], "images": self.after["images"]}
        return told if seconds is None else {**told, "seconds": seconds}


def begin(api: KubeApi, changes: list[Change], there: dict[str, Object], context: Context, how: str = "") -> Wait:
    """Patches all of them, then hands over the wait for all of them. ``there`` is kept up to date."""
    namespace = context.params["namespace"]
    for change in changes:
        if change.patch:
            there[change.name] = api.patch(f"{deployments(namespace)}/{change.name}", change.patch)
            context.say(f"{change.name}: {how}{change}")
    return Wait(api, namespace, {change.name: change.target for change in changes}, there, context)


def diff(changes: list[Change]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Before and after of what has to change, by name."""
    needed = [change for change in changes if change.patch]
    return {change.name: change.before for change in needed}, {change.name: change.after for change in needed}


def short(image: str) -> str:
    """An image as a person says it: its tag or digest; the repository stays the same nearly always."""
    name = image.rsplit("/", 1)[-1]
    return name.split("@", 1)[1][:19] if "@" in name else name.partition(":")[2] or name
