# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs migrations for real on a copy: each one up, with its time, then each way down, and compares the schema.

At the end the copy is migrated, because the migrations of another folder may depend on these.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from ...._common.errors import ReleaseError
from ..attempts import Attempts, MigrationRun
from ..engines.base import DOWN, UP, MigrationContext
from ..files import Migration
from ..ledger import TABLE

# Lines that differ between dumps: comments, and the keys of psql's restrict command.
_NOISE = re.compile(r"^(--.*|\\(un)?restrict .*|)$")
_LINES = 20


@dataclasses.dataclass
class Rehearsal:
    up: MigrationRun
    down: MigrationRun | None = None
    difference: list[str] = dataclasses.field(default_factory=list)

    @property
    def restored(self) -> bool:
        """Whether its way down restores the schema."""
        return self.down is not None and not self.difference

    def as_result(self) -> dict[str, t.Any]:
        return {
            "name": self.up.name,
            "up_milliseconds": round(self.up.seconds * 1000),
            "down_milliseconds": round(self.down.seconds * 1000) if self.down else None,
            "schema_restored": self.restored if self.down else None,
            "difference": self.difference,
        }


def rehearse(
    attempts: Attempts, work: MigrationContext, steps: t.Sequence[Migration], ignored: t.Sequence[str]
) -> list[Rehearsal]:
    """
    :param ignored: the tables of the engine, which are not part of the schema.
    """
    schemas, found = [schema(work, ignored)], list[Rehearsal]()
    for migration in steps:
        found.append(Rehearsal(attempts.run(migration, UP)))
        work.context.say(f"rehearsal: {migration.name} took {found[-1].up.seconds:.2f} s")
        schemas.append(schema(work, ignored))
    for index in reversed(range(len(steps))):
        if not steps[index].reversible:
            break  # the ones before it cannot be reverted in order either
        found[index].down = attempts.run(steps[index], DOWN)
        found[index].difference = difference(schemas[index], schema(work, ignored))
        if found[index].difference:
            work.context.say(f"rehearsal: the way down of {steps[index].name} does not restore the schema")
            return found  # nothing can be rehearsed on what it left
    for migration, one in zip(steps, found):
        if one.down:
            attempts.run(migration, UP)
    return found


def schema(work: MigrationContext, ignored: t.Sequence[str]) -> list[str]:
    """The schema as pg_dump writes it."""
    # Including the sequences of their columns, which pg_dump treats as tables.
    left_out = [
        f"--exclude-table={pattern}" for name in (TABLE, *ignored) for pattern in (name, f"{name}_*_seq")
    ]
    arguments = ["pg_dump", "--schema-only", "--no-owner", "--no-privileges", *left_out]
    ended = work.tools.run(arguments, work.login_here(False).environment(), ".", work.left())
    if ended.code:
        raise ReleaseError(
            "The schema of the copy could not be read.",
            why=[ended.said[:500]],
            then="install a pg_dump that is as new as the server, or newer",
        )
    return [line for line in ended.out.splitlines() if not _NOISE.match(line)]


def difference(before: t.Sequence[str], after: t.Sequence[str]) -> list[str]:
    """The lines that differ, at most a screenful."""
    lines = list(difflib.unified_diff(before, after, "before", "after down", n=1, lineterm=""))
    return lines if len(lines) <= _LINES else [*lines[:_LINES], f"... {len(lines) - _LINES} more lines"]
