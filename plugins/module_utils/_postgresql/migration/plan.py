# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Plans what to apply, to revert or to record: files against what is applied. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import InputError
from ..._common.options import did_you_mean
from .files import Migration
from .ledger import Entry, prefix


@dataclasses.dataclass(frozen=True)
class Observed:
    """
    :ivar applied: names of what the engine calls applied, in the order of application.
    :ivar ledger: our own entries, by name.
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
    :ivar adopted: migrations that the engine applied before our ledger existed; they are recorded.
    :ivar problems: reasons to change nothing.
    """

    steps: t.Sequence[Migration] = ()
    adopted: t.Sequence[Migration] = ()
    problems: t.Sequence[str] = ()

    @property
    def changes(self) -> bool:
        return bool(self.steps or self.adopted)


def up(seen: Observed, to: str | None = None, count: int | None = None) -> Plan:
    """Applies everything that is pending, or the first ``count``, or everything up to ``to``."""
    applied = set(seen.applied)
    pending = [migration for migration in seen.files if migration.name not in applied]
    if to:
        last = _named(to, seen.files)
        pending = [migration for migration in pending if migration.order <= last.order]
    steps = pending if count is None else pending[:count]
    known = {name for name, entry in seen.ledger.items() if entry.finished}
    adopted = [seen.by_name[name] for name in seen.applied if name in seen.by_name and name not in known]
    problems = [*_edited(seen), *_missing(seen), *_late(seen, pending), *_partly_applied(seen, steps)]
    return Plan(steps, adopted, problems)


def down(seen: Observed, release: str, to: str | None = None, count: int | None = None) -> Plan:
    """Reverts, the last migration first: everything after ``to``, the last ``count``, or what the release applied."""
    backwards = list(reversed(seen.applied))
    if to:
        _named(to, [seen.by_name[name] for name in seen.applied if name in seen.by_name])
        chosen = backwards[: backwards.index(to)]
    elif count is not None:
        chosen = backwards[:count]
    else:
        ours = {entry.name for entry in seen.ledger.values() if entry.release == release}
        chosen = _back_to_first_of(backwards, ours)
        if foreign := [name for name in chosen if name not in ours]:
            return Plan(
                problems=[
                    f"{name}: was applied after those of release {release}, by another release; revert that one first"
                    for name in foreign
                ]
            )
    steps = [seen.by_name[name] for name in chosen if name in seen.by_name]
    return Plan(steps, problems=[*_not_revertible(seen, chosen, steps), *_unfinished(seen)])


def _back_to_first_of(backwards: list[str], names: t.Collection[str]) -> list[str]:
    """The names from the last applied one back to the first of these."""
    last = max((index for index, name in enumerate(backwards) if name in names), default=-1)
    return backwards[: last + 1]


def _not_revertible(seen: Observed, chosen: t.Sequence[str], steps: t.Sequence[Migration]) -> t.Iterator[str]:
    for name in chosen:
        if name not in seen.by_name:
            yield f"{name}: its file is missing; reverting needs the files of the release that applied it"
    for migration in steps:
        if not migration.reversible:
            yield f"{migration.name}: has no way down"


def _unfinished(seen: Observed) -> t.Iterator[str]:
    """Migrations without a transaction that were interrupted."""
    for name, entry in seen.ledger.items():
        if entry.finished or name in seen.applied:
            continue
        if name not in seen.by_name or not seen.by_name[name].transaction:
            yield f"{name}: is partly applied; finish it with state=up before reverting"


def recorded(seen: Observed, to: str | None = None, all_of_them: bool = True) -> Plan:
    """Writes the files down as applied: for a database that was migrated by other means, or a file that was edited on
    purpose.

    :param all_of_them: whether migrations count that the engine does not call applied; only where our ledger is the
        only one.
    """
    last = _named(to, seen.files).order if to else None
    chosen = [
        migration
        for migration in seen.files
        if (last is None or migration.order <= last) and (all_of_them or migration.name in seen.applied)
    ]
    return Plan([migration for migration in chosen if not _is_recorded(seen, migration)])


def _is_recorded(seen: Observed, migration: Migration) -> bool:
    entry = seen.ledger.get(migration.name)
    return entry is not None and entry.finished and entry.sha256 == migration.sha256


def _named(name: str, files: t.Sequence[Migration]) -> Migration:
    for migration in files:
        if migration.name == name:
            return migration
    known = [migration.name for migration in files]
    raise InputError(
        f"to: found {name!r}{did_you_mean(name, known)}; allowed: {', '.join(known[-8:]) or 'nothing, because there is none'}"
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


def _partly_applied(seen: Observed, steps: t.Sequence[Migration]) -> t.Iterator[str]:
    for migration in steps:
        entry = seen.ledger.get(migration.name)
        if entry and not entry.finished and entry.statements:
            done = [statement.text for statement in migration.statements[: entry.statements]]
            if migration.transaction or prefix(done) != entry.sha256:
                yield (
                    f"{migration.name}: is partly applied ({entry.statements} statements are done), and these statements were edited since;"
                    " put them back: what follows them may change"
                )
