# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""How a Deployment replaces its pods: ``spec.strategy``. Which value it gets is said by the release's strategy."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import Description, Field, FieldValues, Path, covers


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
