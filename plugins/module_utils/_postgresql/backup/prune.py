# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Removes old backups, but never the newest verified one, nor one that a release may still need."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import InputError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from . import backups
from .backups import Backup
from .manifest import MANIFEST, folder, parts
from .progress import amount
from .stores import options as store_options
from .stores.store import Store, Stored, Unfinished

_DAY = 86400
# A writer may still be at work on younger objects.
_ABANDONED_SECONDS = _DAY


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is kept of one kind: a backup stays if either part keeps it.

    :param count: how many of the newest; None keeps by age alone.
    :param days: all younger ones; None keeps by count alone.
    """

    count: int | None
    days: int | None


@dataclasses.dataclass(frozen=True)
class PruneVerdict:
    backup: Backup
    reason: str  # why it is kept; empty when it goes


def rules(given: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, Rule]:
    """The rules by kind."""
    found: dict[str, Rule] = {}
    for number, rule in enumerate(given):
        if rule["kind"] in found:
            raise InputError(
                f"keep[{number}].kind: found {rule['kind']} a second time; allowed: one rule a kind"
            )
        if rule.get("count") is None and rule.get("days") is None:
            raise InputError(
                f"keep[{number}] ({rule['kind']}): count and days are missing; allowed: one of them or both"
            )
        found[rule["kind"]] = Rule(rule.get("count"), rule.get("days"))
    return found


def verdicts(
    found: t.Sequence[Backup], keep: t.Mapping[str, Rule], releases: t.Collection[str], now: float
) -> list[PruneVerdict]:
    """One verdict for each backup.

    :param found: the backups of one database, the newest first.
    :param releases: releases that run or have failed, whose backups are the way back.
    """
    newest_verified = next((backup.id for backup in found if backup.verified and not backup.damage), None)
    seen: dict[str, int] = {}
    decided = []
    for backup in found:
        kind = backup.manifest["kind"]
        # A damaged backup does not count.
        number = seen[kind] = seen.get(kind, 0) + (0 if backup.damage else 1)
        rule, age = keep.get(kind), now - backup.taken
        if backup.id == newest_verified:
            reason = "the newest that a restore has proven"
        elif backup.manifest["release"] in releases:
            reason = f"release {backup.manifest['release']} may need it"
        elif rule is None:
            reason = f"no rule for kind {kind}"
        elif rule.count is not None and number <= rule.count and not backup.damage:
            reason = f"number {number} of {rule.count} of kind {kind}"
        elif rule.days is not None and age <= rule.days * _DAY:
            reason = f"{int(age // _DAY)} days old, kind {kind} is kept for {rule.days}"
        elif newest_verified is None and not backup.damage and number == 1:
            reason = "no backup is proven yet, and this is the newest of its kind"
        else:
            reason = ""
        decided.append(PruneVerdict(backup, reason))
    return decided


@dataclasses.dataclass(frozen=True)
class Plan:
    """What goes, and what stays.

    :ivar incomplete: objects of backups that never got a manifest.
    :ivar unfinished: uploads that their writers have abandoned.
    """

    verdicts: t.Sequence[PruneVerdict]
    incomplete: t.Sequence[str]
    unfinished: t.Sequence[Unfinished]

    @property
    def removed(self) -> list[Backup]:
        return [verdict.backup for verdict in self.verdicts if not verdict.reason]

    @property
    def kept(self) -> list[PruneVerdict]:
        return [verdict for verdict in self.verdicts if verdict.reason]

    @property
    def abandoned(self) -> list[str]:
        return sorted([*self.incomplete, *(left.name for left in self.unfinished)])

    @property
    def freed(self) -> int:
        return sum(part["size"] for backup in self.removed for part in parts(backup.manifest))


def run(store: Store, context: Context) -> Result:
    params, now = context.params, context.clock.wall()
    keep = rules(params["keep"])
    objects = store.listing(f"{folder(params['database'])}/" if params["database"] else "")
    found = backups.of_database(store, params["database"])
    plan = Plan(
        _decide(found, keep, params["releases"], now),
        _incomplete_backups(objects, now),
        [left for left in store.unfinished() if now - left.since > _ABANDONED_SECONDS],
    )
    if not context.check_mode:
        _remove(store, context, plan)
    if plan.removed:
        verb = "would go" if context.check_mode else "are gone"
        context.say(f"{len(plan.removed)} backups {verb}, {amount(plan.freed)}; {len(plan.kept)} are kept")
    kept = [{"id": verdict.backup.id, "reason": verdict.reason} for verdict in plan.kept]
    before = {"backups": [verdict.backup.id for verdict in plan.verdicts], "abandoned": plan.abandoned}
    after = {"backups": [verdict.backup.id for verdict in plan.kept], "abandoned": []}
    values = {
        "removed": [backup.id for backup in plan.removed],
        "kept": kept,
        "abandoned": plan.abandoned,
        "freed_bytes": plan.freed,
    }
    return Result(bool(plan.removed or plan.abandoned), before, after, values)


def _decide(
    found: t.Sequence[Backup], keep: t.Mapping[str, Rule], releases: t.Collection[str], now: float
) -> list[PruneVerdict]:
    """Verdicts database by database: the rules hold for each by itself."""
    by_database: dict[str, list[Backup]] = {}
    for backup in found:
        by_database.setdefault(backup.manifest["database"], []).append(backup)
    decided = []
    for of_one in by_database.values():
        decided += verdicts(of_one, keep, releases, now)
    return decided


def _remove(store: Store, context: Context, plan: Plan) -> None:
    for backup in plan.removed:
        # The manifest goes first. After a kill the rest is no longer a backup, and the next run finds it.
        store.delete([f"{backup.id}/{MANIFEST}"])
        store.delete([stored.name for stored in store.listing(f"{backup.id}/")])
        context.say(f"{backup.id}: removed")
    store.delete(plan.incomplete)
    for left in plan.unfinished:
        store.discard(left)


def _incomplete_backups(objects: t.Sequence[Stored], now: float) -> list[str]:
    """Objects of backups without a manifest, whose last write is a day ago: their writer was killed."""
    folders: dict[str, list[Stored]] = {}
    for stored in objects:
        folders.setdefault(stored.name.rpartition("/")[0], []).append(stored)
    incomplete = []
    for name, inside in folders.items():
        has_manifest = any(stored.name == f"{name}/{MANIFEST}" for stored in inside)
        last_write = max(stored.modified for stored in inside)
        if not has_manifest and now - last_write > _ABANDONED_SECONDS:
            incomplete += [stored.name for stored in inside if _ours(stored.name)]
    return incomplete


def _ours(name: str) -> bool:
    """Whether a name is one that backups use: other objects below the same prefix are never removed."""
    own = name.rpartition("/")[2]
    return name.count("/") == 2 and own.startswith(("database.dump", "globals.sql", "verified.json"))


OPERATION = Operation(
    {
        **store_options.OPTIONS,
        "database": Option("str"),
        "keep": Option(
            "list",
            REQUIRED,
            each=Option(
                "dict",
                fields={
                    "kind": Option("str", REQUIRED),
                    "count": Option("int", low=1),
                    "days": Option("int", low=1),
                },
            ),
        ),
        "releases": Option("list", [], each=Option("str")),
    },
    store_options.connect,
    run,
    store_options.CONSTRAINTS,
)
