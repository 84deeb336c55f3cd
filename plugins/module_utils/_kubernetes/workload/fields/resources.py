# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Limits and requests, by container and resource."""

from __future__ import annotations

import decimal
import typing as t

from ...api.port import Object
from .base import ContainerField, Description, FieldValues, Path

_SUFFIXES = {
    "n": "1e-9",
    "u": "1e-6",
    "m": "1e-3",
    "": "1",
    "k": "1e3",
    "M": "1e6",
    "G": "1e9",
    "T": "1e12",
    "P": "1e15",
    "E": "1e18",
}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


class Resources(ContainerField):
    """``("resources", container, "limits" or "requests", resource)``: a quantity; None: it is not set."""

    key = "resources"
    depth = 3

    def desired(self, workload: t.Mapping[str, t.Any]) -> FieldValues:
        return {
            (self.key, container, kind, resource): None if amount is None else str(amount)
            for container, kinds in (workload.get("resources") or {}).items()
            for kind, amounts in (kinds or {}).items()
            for resource, amount in (amounts or {}).items()
        }

    def live(self, obj: Object, path: Path) -> t.Any:
        resources = self.container(obj, path[1]).get("resources") or {}
        return (resources.get(path[2]) or {}).get(path[3])

    def patch(self, spec: Object, obj: Object, path: Path, live: t.Any, desired: t.Any) -> None:
        resources = self.container_patch(spec, obj, path[1]).setdefault("resources", {})
        resources.setdefault(path[2], {})[path[3]] = desired

    def same(self, live: t.Any, desired: t.Any) -> bool:
        if live is None or desired is None:
            return live is desired
        return _quantity(live) == _quantity(desired)

    def describe(self, path: Path, live: t.Any, desired: t.Any) -> list[Description]:
        return [Description(f"{path[2]} {path[3]} {live or 'none'} -> {desired or 'none'}")]


def is_quantity(text: str) -> bool:
    """Whether the API server would take it for an amount of a resource, which is never below zero."""
    number = _quantity(text)
    return not isinstance(number, str) and number.is_finite() and number >= 0


def _quantity(text: str) -> decimal.Decimal | str:
    """The API server writes quantities its own way: 0.5 comes
    back as 500m, 1024Mi as 1Gi (resource.Quantity).
    """
    number = text.rstrip("KkMGTPEimnu")
    suffix = text.removeprefix(number)
    try:
        if suffix in _BINARY:
            return decimal.Decimal(number) * 1024 ** (_BINARY.index(suffix) + 1)
        return decimal.Decimal(number) * decimal.Decimal(_SUFFIXES[suffix])
    except (KeyError, decimal.InvalidOperation):
        return text
