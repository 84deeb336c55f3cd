# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""One workload from what is there to what is wanted: the step that rollouts and rollbacks are made of. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..._common.redact import HIDDEN, is_secret_key
from ..api.port import Object, workloads
from .fields import Parts, differing, nested
from .pod_spec import containers


@dataclasses.dataclass(frozen=True)
class Change:
    """``patch`` is empty when nothing has to change; ``uid`` is the very object that it is for.

    :param wave: number of the wave; rollbacks take them in reverse.
    :param timeout: seconds that it may take to settle.
    """

    name: str
    kind: str
    uid: str
    wave: int
    before: Parts
    after: Parts
    patch: Object
    timeout: int

    def path(self, namespace: str) -> str:
        return f"{workloads(self.kind, namespace)}/{self.name}"

    def __str__(self) -> str:
        """What changes, in words. Values of the environment are not said: they may be secrets."""
        said = []
        old, new = images(self.before), images(self.after)
        moves = {
            name: moved(old.get(name, "none"), image)
            for name, image in new.items()
            if old.get(name, "none") != image
        }
        if len(moves) > 1:
            moves = {name: f"{name} {move}" for name, move in moves.items()}
        for path in differing(self.before, self.after):
            was, now = self.before[path], self.after[path]
            if path[0] == "images":
                said.append(moves[path[1]])
            elif path[0] == "replicas":
                said.append(f"{was} -> {now} replicas")
            elif path[0] == "env":
                said.append(f"env {path[2]} {'unset' if now is None else 'set'}")
            elif path[0] == "resources":
                said.append(f"{path[2]} {path[3]} {was or 'none'} -> {now or 'none'}")
            elif path[0] == "strategy":
                said.append(f"strategy {now.get('type')}")
            elif path[0] == "config":
                said.append("new configuration")
            else:
                said += moves.values() or ["pod template of an older revision"]
        return ", ".join(said) or "nothing but the marks of the release"

    def told(self, seconds: float | None = None) -> dict[str, t.Any]:
        """As it stands in results and in the record; without seconds when it was only planned."""
        told = {
            "name": self.name,
            "kind": self.kind,
            "wave": self.wave,
            "changed": bool(self.patch),
            "images_before": images(self.before),
            "images": images(self.after),
        }
        return told if seconds is None else {**told, "seconds": seconds}


def images(parts: Parts) -> dict[str, str]:
    """Images by container."""
    if ("template",) in parts:
        return {container["name"]: container["image"] for container in containers(parts[("template",)])}
    return {path[1]: image for path, image in parts.items() if path[0] == "images"}


def diff(changes: list[Change]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Before and after of what has to change, by name."""
    needed = [change for change in changes if change.patch]
    said = labels(needed)
    return (
        {label: nested(_shown(change.before)) for label, change in zip(said, needed)},
        {label: nested(_shown(change.after)) for label, change in zip(said, needed)},
    )


def labels(changes: t.Sequence[Change]) -> list[str]:
    """What to call them: by their names, and by their kinds as well where two have one name."""
    counts = collections.Counter(change.name for change in changes)
    return [change.name if counts[change.name] == 1 else f"{change.kind} {change.name}" for change in changes]


def _shown(parts: Parts) -> Parts:
    """Literals in the environment are hidden by name: who knows what somebody else has put there."""
    return {
        path: HIDDEN if path[0] == "env" and value and is_secret_key(path[2]) else value
        for path, value in parts.items()
    }


def moved(was: str, now: str) -> str:
    """From one image to another, as short as it can be told apart: by the tag, the name, the whole."""
    for said in (short, lambda image: image.rsplit("/", 1)[-1]):
        if said(was) != said(now):
            return f"{said(was)} -> {said(now)}"
    return f"{was} -> {now}"


def short(image: str) -> str:
    """An image as a person says it: its tag or digest; the repository stays the same nearly always."""
    name = image.rsplit("/", 1)[-1]
    return name.split("@", 1)[1][:19] if "@" in name else name.partition(":")[2] or name
