# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What is to be done: files against what was applied. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import InputError
from ..._common.options import did_you_mean
from .files import Migration
from .ledger import Entry, prefix

UP, DOWN, REHEARSED, RECORDED = STATES = ("up", "down", "rehearsed", "recorded")


@dataclasses.dataclass(frozen=True)
class Observed:
    """
    :ivar applied: what the engine calls applied, in the order of application.
    :ivar ledger: our own entries by name.
    """

    files: t.Sequence[Migration]
    applied: t.Sequence[str]
    ledger: t.Mapping[str, Entry]

    @property
    def by_name(self) -> dict[str, Migration]:
        return {migration.name: migration for migration in self.files}


@dataclasses.dataclass(frozen=True)
class Plan:
    """
    :ivar steps: the migrations to run (or only to record), in the order in which they run.
    :ivar adopted: applied by the engine before we kept checksums; they are written down.
    :ivar problems: each is a reason to change nothing at all.
    """

    steps: t.Sequence[Migration] = ()
    adopted: t.Sequence[Migration] = ()
    problems: t.Sequence[str] = ()

    @property
    def changes(self) -> bool:
        return bool(self.steps or self.adopted)


def up(seen: Observed, to: str | None = None, count: int | None = None) -> Plan:
    """All that is pending, or the first of it."""
    applied = set(seen.applied)
    pending = [migration for migration in seen.files if migration.name not in applied]
    if to:
        wanted = _named(to, seen.files)
        pending = [migration for migration in pending if migration.order <= wanted.order]
    steps = pending if count is None else pending[:count]
    known = {name for name, entry in seen.ledger.items() if entry.finished}
    adopted = [seen.by_name[name] for name in seen.applied if name in seen.by_name and name not in known]
    return Plan(
        steps, adopted, [*_edited(seen), *_missing(seen), *_late(seen, pending), *_half_done(seen, steps)]
    )


def down(seen: Observed, release: str, to: str | None = None, count: int | None = None) -> Plan:
    """Back, the last one first: what came after ``to``, the
    last ``count``, or else what the release itself applied.
    """
    backwards = list(reversed(seen.applied))
    if to:
        _named(to, [seen.by_name[name] for name in seen.applied if name in seen.by_name])
        chosen = backwards[: backwards.index(to)]
    elif count is not None:
        chosen = backwards[:count]
    else:
        mine = {entry.name for entry in seen.ledger.values() if entry.release == release}
        last = max((index for index, name in enumerate(backwards) if name in mine), default=-1)
        chosen = backwards[: last + 1]
        if foreign := [name for name in chosen if name not in mine]:
            return Plan(
                problems=[
                    f"{name}: was applied after those of release {release}, by another release; revert that one first"
                    for name in foreign
                ]
            )
    problems = [
        f"{name}: its file is missing; reverting needs the files of the release that applied it"
        for name in chosen
        if name not in seen.by_name
    ]
    there = [seen.by_name[name] for name in chosen if name in seen.by_name]
    problems += [f"{migration.name}: has no way down" for migration in there if not migration.reversible]
    half = [name for name, entry in seen.ledger.items() if not entry.finished and name not in seen.applied]
    problems += [
        f"{name}: is partly applied; finish it with state=up before reverting"
        for name in half
        if name not in seen.by_name or not seen.by_name[name].transaction
    ]
    return Plan(there, problems=problems)


def recorded(seen: Observed, to: str | None = None, all_of_them: bool = True) -> Plan:
    """Written down as applied, as the files are now: a database that was
    migrated by other means, or a file that was edited for good reason.

    :param all_of_them: also what the engine does not call
        applied; only where our ledger is all that there is.
    """
    last = _named(to, seen.files).order if to else None
    wanted = [
        one
        for one in seen.files
        if (last is None or one.order <= last) and (all_of_them or one.name in seen.applied)
    ]
    entries = ((migration, seen.ledger.get(migration.name)) for migration in wanted)
    return Plan(
        [
            migration
            for migration, entry in entries
            if not entry or entry.sha256 != migration.sha256 or not entry.finished
        ]
    )


def _named(name: str, files: t.Sequence[Migration]) -> Migration:
    for migration in files:
        if migration.name == name:
            return migration
    there = [migration.name for migration in files]
    raise InputError(
        f"to: found {name!r}{did_you_mean(name, there)}; allowed: {', '.join(there[-8:]) or 'nothing, because there is none'}"
    )


def _edited(seen: Observed) -> t.Iterator[str]:
    for name, entry in seen.ledger.items():
        migration = seen.by_name.get(name)
        if entry.finished and migration and migration.sha256 != entry.sha256:
            yield (
                f"{name}: was edited after it had been applied by release {entry.release}; put the file back and write a new migration"
                " (or take it as it is: state=recorded)"
            )


def _missing(seen: Observed) -> t.Iterator[str]:
    for name in dict.fromkeys([*seen.applied, *seen.ledger]):
        if name not in seen.by_name:
            yield f"{name}: is applied, and its file is missing; are these the files of an older release?"


def _late(seen: Observed, pending: t.Sequence[Migration]) -> t.Iterator[str]:
    last = max(
        (seen.by_name[name] for name in seen.applied if name in seen.by_name),
        key=lambda one: one.order,
        default=None,
    )
    for migration in pending:
        if last and migration.order < last.order:
            yield f"{migration.name}: comes before {last.name}, which is applied already; give it a higher number"


def _half_done(seen: Observed, steps: t.Sequence[Migration]) -> t.Iterator[str]:
    for migration in steps:
        entry = seen.ledger.get(migration.name)
        if entry and not entry.finished and entry.statements:
            done = [statement.text for statement in migration.statements[: entry.statements]]
            if migration.transaction or prefix(done) != entry.sha256:
                yield (
                    f"{migration.name}: is partly applied ({entry.statements} statements are done), and these statements were edited since;"
                    " put them back: what follows them may change"
                )
