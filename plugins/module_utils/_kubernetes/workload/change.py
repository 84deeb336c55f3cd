# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""One workload from live to desired: the step that rollouts and rollbacks are made of. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from ..api.port import Object, workloads
from .fields.base import FieldValues
from .fields.registry import FIELDS
from .fields.values import differing, images, nested


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
    before: FieldValues
    after: FieldValues
    patch: Object
    timeout: int

    @classmethod
    def of(
        cls,
        live: Object,
        before: FieldValues,
        after: FieldValues,
        patch: Object,
        *,
        wave: int = 1,
        timeout: int,
    ) -> Change:
        """The change of this very object."""
        metadata = live["metadata"]
        return cls(metadata["name"], live["kind"], metadata["uid"], wave, before, after, patch, timeout)

    def path(self, namespace: str) -> str:
        return f"{workloads(self.kind, namespace)}/{self.name}"

    def __str__(self) -> str:
        """What changes, in words. Values of the environment are not shown: they may be secrets."""
        described = []
        for path in differing(self.before, self.after):
            described += FIELDS[path[0]].describe(path, self.before[path], self.after[path])
        several_images = len([one for one in described if one.container]) > 1
        words = [
            f"{one.container} {one.text}" if one.container and several_images else one.text
            for one in described
        ]
        return ", ".join(words) or "nothing but the marks of the release"

    def as_result(self, seconds: float | None = None) -> dict[str, t.Any]:
        """As it stands in results and in the record; without seconds when it was only planned."""
        result = {
            "name": self.name,
            "kind": self.kind,
            "wave": self.wave,
            "changed": bool(self.patch),
            "images_before": images(self.before),
            "images": images(self.after),
        }
        return result if seconds is None else {**result, "seconds": seconds}


def diff(changes: list[Change]) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    """Before and after of what has to change, by name."""
    needed = [change for change in changes if change.patch]
    names = labels(needed)
    return (
        {label: nested(_shown(change.before)) for label, change in zip(names, needed)},
        {label: nested(_shown(change.after)) for label, change in zip(names, needed)},
    )


def labels(changes: t.Sequence[Change]) -> list[str]:
    """What to call them: by their names, and by their kinds as well where two have one name."""
    counts = collections.Counter(change.name for change in changes)
    return [change.name if counts[change.name] == 1 else f"{change.kind} {change.name}" for change in changes]


def _shown(values: FieldValues) -> FieldValues:
    return {path: FIELDS[path[0]].shown(path, value) for path, value in values.items()}
