# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Which backups may go. Never the last verified one, never one that a release may still need."""

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
from .stores.store import Store, Stored

_DAY = 86400
# What a writer that is still alive may take; younger leftovers are let alone.
_ABANDONED_SECONDS = _DAY


@dataclasses.dataclass(frozen=True)
class Rule:
    """What is kept of one kind; whichever keeps more.

    :param count: so many of the newest; None keeps by age alone.
    :param days: all that are younger; None keeps by count alone.
    """

    count: int | None
    days: int | None


@dataclasses.dataclass(frozen=True)
class PruneVerdict:
    backup: Backup
    reason: str  # why it is kept; empty when it goes


def rules(given: t.Sequence[t.Mapping[str, t.Any]]) -> dict[str, Rule]:
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
        for option in ("count", "days"):
            if rule.get(option) is not None and rule[option] < 1:
                raise InputError(f"keep[{number}].{option}: found {rule[option]}; allowed: an integer from 1")
        found[rule["kind"]] = Rule(rule.get("count"), rule.get("days"))
    return found


def verdicts(
    there: t.Sequence[Backup], keep: t.Mapping[str, Rule], releases: t.Collection[str], now: float
) -> list[PruneVerdict]:
    """One for each backup, the newest first as they come.

    :param there: the backups of one database.
    :param releases: those that run or have failed: their backups are the way back.
    """
    newest_verified = next((backup.id for backup in there if backup.verified and not backup.damage), None)
    seen: dict[str, int] = {}
    found = []
    for backup in there:
        kind = backup.manifest["kind"]
        # A damaged one takes no place among those that count.
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
        found.append(PruneVerdict(backup, reason))
    return found


def run(store: Store, context: Context) -> Result:
    params, now = context.params, context.clock.wall()
    keep = rules(params["keep"])
    there: dict[str, list[Backup]] = {}
    for backup in backups.of_database(store, params["database"]):
        there.setdefault(backup.manifest["database"], []).append(backup)
    decided = [
        verdict for of_one in there.values() for verdict in verdicts(of_one, keep, params["releases"], now)
    ]
    going = [verdict.backup for verdict in decided if not verdict.reason]
    incomplete = _incomplete_backups(
        store.listing(f"{folder(params['database'])}/" if params["database"] else ""), now
    )
    unfinished = [left for left in store.unfinished() if now - left.since > _ABANDONED_SECONDS]
    if not context.check_mode:
        for backup in going:
            # The manifest goes first: what is left after a kill is no
            # backup any more, and found by the next run.
            store.delete([f"{backup.id}/{MANIFEST}"])
            store.delete([stored.name for stored in store.listing(f"{backup.id}/")])
            context.say(f"{backup.id}: removed")
        store.delete(incomplete)
        for left in unfinished:
            store.discard(left)
    freed = sum(part["size"] for backup in going for part in parts(backup.manifest))
    if going:
        context.say(
            f"{len(going)} backups {'would go' if context.check_mode else 'are gone'}, {amount(freed)}; {len(decided) - len(going)} are kept"
        )
    values = {
        "removed": [backup.id for backup in going],
        "kept": [
            {"id": verdict.backup.id, "reason": verdict.reason} for verdict in decided if verdict.reason
        ],
        "abandoned": sorted([*incomplete, *(left.name for left in unfinished)]),
        "freed_bytes": freed,
    }
    changed = bool(going or incomplete or unfinished)
    before = {"backups": [verdict.backup.id for verdict in decided], "abandoned": values["abandoned"]}
    return Result(
        changed,
        before,
        {"backups": [verdict.backup.id for verdict in decided if verdict.reason], "abandoned": []},
        values,
    )


def _incomplete_backups(there: t.Sequence[Stored], now: float) -> list[str]:
    """Objects of a backup that never got a manifest: its writer was killed, and a day has passed."""
    complete = {stored.name.rpartition("/")[0] for stored in there if stored.name.endswith(f"/{MANIFEST}")}
    folders: dict[str, list[Stored]] = {}
    for stored in there:
        folders.setdefault(stored.name.rpartition("/")[0], []).append(stored)
    return [
        stored.name for name, inside in folders.items() for stored in inside
        if name not in complete and _ours(stored.name) and now - max(each.modified for each in inside) > _ABANDONED_SECONDS
    ]  # fmt: skip


def _ours(name: str) -> bool:
    """Nothing else that somebody keeps below the same prefix is touched."""
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
                fields={"kind": Option("str", REQUIRED), "count": Option("int"), "days": Option("int")},
            ),
        ),
        "releases": Option("list", [], each=Option("str")),
    },
    store_options.of,
    run,
    store_options.CONSTRAINTS,
)
