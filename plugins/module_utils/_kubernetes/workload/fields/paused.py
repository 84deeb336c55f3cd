# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether a Deployment is paused: what a strategy of several steps stops at, and goes on from."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import Description, Field, FieldValues, Path


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
