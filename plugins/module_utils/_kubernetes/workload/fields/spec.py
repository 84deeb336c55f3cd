# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Fields of the workload's spec itself, beside its pod template."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import Description, Field, FieldValues, Path, covers


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


class UpdateStrategy(Field):
    """``("strategy",)``: the Deployment's strategy."""

    key = "strategy"
    of_template = False

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        return {}

    def live(self, obj: Object, path: Path) -> t.Any:
        return obj["spec"].get("strategy") or {"type": "RollingUpdate"}

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        # Recreate and the numbers of a rolling update exclude each other.
        spec["strategy"] = {"$patch": "replace", **desired}

    def same(self, live: t.Any, desired: t.Any) -> bool:
        if live is None or desired is None:
            return live is desired
        return covers(live, desired)

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        return [Description(f"strategy {desired.get('type')}")]


class Paused(Field):
    """``("paused",)``: true or false."""

    key = "paused"
    of_template = False

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        return {}

    def live(self, obj: Object, path: Path) -> t.Any:
        return bool(obj["spec"].get("paused"))

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        spec["paused"] = desired

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        return [Description("paused" if desired else "resumed")]
