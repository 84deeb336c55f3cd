# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The number of pods."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import Description, Field, FieldValues, Path


class Replicas(Field):
    """``("replicas",)``: a number."""

    key = "replicas"
    of_template = False

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        replicas = workload.get("replicas")
        return {} if replicas is None else {(self.key,): replicas}

    def live(self, obj: Object, path: Path) -> t.Any:
        return obj["spec"].get("replicas", 1)

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        spec["replicas"] = desired

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        return [Description(f"{live} -> {desired} replicas")]
