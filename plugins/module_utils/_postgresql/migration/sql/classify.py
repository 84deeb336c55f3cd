# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a migration does to the release that ran before it, and so what the way back is. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from . import effects
from .kinds import CONTRACT, EXPAND, IRREVERSIBLE, UNKNOWN, gravest
from .statements import Statement

APP_ONLY, DOWN, RESTORE = WAYS = ("app_only", "down", "restore")
# squawk's names of what breaks the release that still runs.
_BREAKING = {
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-drop-column",
    "ban-drop-table",
    "changing-column-type",
    "renaming-column",
    "renaming-table",
}


@dataclasses.dataclass(frozen=True)
class Class:
    """
    :ivar kind: one of KINDS, the gravest that was found.
    :ivar reasons: why, each with its line.
    :ivar reversible: whether there is a way down.
    """

    name: str
    kind: str
    reasons: tuple[str, ...]
    reversible: bool


def of(
    name: str, statements: t.Sequence[Statement] | None, reversible: bool, rules: t.Iterable[str] = ()
) -> Class:
    """
    :param statements: None where nobody knows what it does: a program does the work.
    :param rules: of squawk's findings in it.
    """
    if statements is None:
        return Class(name, UNKNOWN, ("a program does the work; a rehearsal shows what it does",), reversible)
    found = effects.read(statements)
    reasons = [str(effect) for effect in found]
    kinds = [effect.kind for effect in found]
    if breaking := sorted(_BREAKING.intersection(rules)):
        kinds.append(CONTRACT)
        reasons.append(f"squawk: {', '.join(breaking)}")
    return Class(name, gravest(kinds), tuple(reasons), reversible)


def destroys(statements: t.Sequence[Statement]) -> list[str]:
    """What of it cannot be brought back, each with its line."""
    return [str(effect) for effect in effects.read(statements) if effect.kind == IRREVERSIBLE]


def way_back(classes: t.Sequence[Class]) -> tuple[str, list[str]]:
    """How the release before gets back a database that it can run on, and why nothing less will do.

    Ways down are taken in reverse order: all that follows the first one that has to go needs one.
    """
    touching = [index for index, one in enumerate(classes) if one.kind != EXPAND]
    if not touching:
        return APP_ONLY, []
    lost = [one for one in classes if one.kind == IRREVERSIBLE]
    if lost:
        return RESTORE, [f"{one.name}: {reason}" for one in lost for reason in one.reasons]
    first = touching[0]
    stuck = [one.name for one in classes[first:] if not one.reversible]
    if stuck:
        return RESTORE, [f"{name}: has no way down" for name in stuck]
    return DOWN, [
        f"{classes[index].name}: {reason}" for index in touching for reason in classes[index].reasons
    ]
