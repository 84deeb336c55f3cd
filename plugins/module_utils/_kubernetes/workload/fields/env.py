# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Variables of the environment, by container and name."""

from __future__ import annotations

import typing as t

from ...._common.redact import HIDDEN, is_secret_key
from ...api.port import Object
from .base import ContainerField, Description, FieldValues, Path, covers


class Env(ContainerField):
    """``("env", container, name)``: the entry without its name, as ``{"value": ...}``; None: it is unset."""

    key = "env"
    depth = 2

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        return {
            (self.key, container, name): _entry(value)
            for container, variables in (workload.get("env") or {}).items()
            for name, value in (variables or {}).items()
        }

    def live(self, obj: Object, path: Path) -> t.Any:
        for entry in self.container(obj, path[1]).get("env") or []:
            if entry["name"] == path[2]:
                return {key: value for key, value in entry.items() if key != "name"} or {"value": ""}
        return None

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        entry: Object = {"name": path[2]}
        if desired is None:
            entry["$patch"] = "delete"
        else:
            # value and valueFrom exclude each other; a merge alone would leave both.
            entry.update({key: None for key in live or {} if key not in desired})
            entry.update(desired)
        self.container_patch(spec, obj, path[1]).setdefault("env", []).append(entry)

    def same(self, live: t.Any, desired: t.Any) -> bool:
        if live is None or desired is None:
            return live is desired
        return covers(live, desired)

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        """Without the value, which may be a secret."""
        done = "unset" if desired is None else "set"
        return [Description(f"env {path[2]} {done}")]

    def shown(self, path: Path, value: t.Any) -> t.Any:
        """Literals are hidden by name: somebody else may have put a secret there."""
        return HIDDEN if value and is_secret_key(path[2]) else value


def _entry(value: t.Any) -> t.Any:
    if value is None or isinstance(value, dict):
        return value
    text = str(value)
    return {"value": text.lower() if isinstance(value, bool) else text}
