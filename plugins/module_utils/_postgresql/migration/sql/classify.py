# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a migration does to the release that ran before it, and so what the way back is. Pure."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .statements import Statement

EXPAND, DATA, CONTRACT, IRREVERSIBLE, UNKNOWN = KINDS = (
    "expand",
    "data",
    "contract",
    "irreversible",
    "unknown",
)
APP_ONLY, DOWN, RESTORE = WAYS = ("app_only", "down", "restore")

_ALTER = r"ALTER TABLE\b.*"
# The first that fits counts, for each statement. Everything
# else is an expansion: the old release does not notice it.
_RULES: tuple[tuple[str, str, str], ...] = (
    (IRREVERSIBLE, r"DROP (FOREIGN )?TABLE|DROP (SCHEMA|DATABASE|OWNED|SEQUENCE)", "drops what holds data"),
    (
        IRREVERSIBLE,
        rf"{_ALTER} DROP (COLUMN\b|(?!CONSTRAINT|DEFAULT|NOT NULL|EXPRESSION|IDENTITY)(IF EXISTS )?[^\s,]+( CASCADE| RESTRICT)?(,|$))",
        "drops a column",
    ),
    (IRREVERSIBLE, r"TRUNCATE", "empties a table"),
    (IRREVERSIBLE, r"(WITH\b.*)?DELETE FROM", "deletes rows"),
    (CONTRACT, r"ALTER\b.* RENAME\b", "renames what the old release uses"),
    (CONTRACT, rf"{_ALTER} ALTER (COLUMN )?\S+ (SET DATA )?TYPE\b", "changes the type of a column"),
    (CONTRACT, rf"{_ALTER} SET NOT NULL", "forbids nulls, which the old release may write"),
    (
        CONTRACT,
        rf"{_ALTER} ADD (COLUMN )?(IF NOT EXISTS )?(?!CONSTRAINT)\S+ (?!.*\b(DEFAULT|GENERATED)\b).*NOT NULL",
        "adds a column that the old release does not fill",
    ),
    (
        CONTRACT,
        rf"{_ALTER} ADD (CONSTRAINT|CHECK|UNIQUE|PRIMARY|FOREIGN|EXCLUDE)\b",
        "adds a rule that the old release may break",
    ),
    (CONTRACT, r"CREATE UNIQUE INDEX", "adds a rule that the old release may break"),
    (
        CONTRACT,
        rf"{_ALTER} (DROP DEFAULT|DROP (IDENTITY|EXPRESSION)|SET SCHEMA|ENABLE ROW LEVEL|FORCE ROW LEVEL|DETACH PARTITION)",
        "takes away what the old release may use",
    ),
    (
        CONTRACT,
        r"DROP (?!INDEX|STATISTICS)|REVOKE|CREATE (CONSTRAINT )?TRIGGER|CREATE RULE|CREATE POLICY",
        "takes away or changes what the old release may use",
    ),
    (
        DATA,
        r"(WITH\b.*)?(INSERT INTO|UPDATE|MERGE INTO)\b|COPY\b.* FROM|REFRESH MATERIALIZED",
        "changes rows",
    ),
    (DATA, r"DO\b|CALL\b|EXECUTE\b|SELECT\b.*\(|WITH\b|PERFORM\b", "runs code that cannot be looked into"),
)
_COMPILED = [(kind, re.compile(pattern, re.IGNORECASE), reason) for kind, pattern, reason in _RULES]
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
    found = [
        (kind, f"line {statement.line}: {reason}")
        for statement in statements
        for kind, reason in [_of(statement)]
        if kind != EXPAND
    ]
    if breaking := sorted(_BREAKING.intersection(rules)):
        found.append((CONTRACT, f"squawk: {', '.join(breaking)}"))
    kind = max((kind for kind, _reason in found), key=KINDS.index, default=EXPAND)
    return Class(name, kind, tuple(reason for _kind, reason in found), reversible)


def destroys(statements: t.Sequence[Statement]) -> list[str]:
    """What of it cannot be brought back, each with its line."""
    return [
        f"line {statement.line}: {reason}"
        for statement in statements
        for kind, reason in [_of(statement)]
        if kind == IRREVERSIBLE
    ]


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


def _of(statement: Statement) -> tuple[str, str]:
    return next(
        ((kind, reason) for kind, pattern, reason in _COMPILED if pattern.match(statement.words)),
        (EXPAND, ""),
    )
