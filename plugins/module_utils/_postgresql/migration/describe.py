# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Plans and outcomes as results show them."""

from __future__ import annotations

import typing as t

from .attempts import MigrationRun
from .files import Migration
from .plan import Observed, Plan
from .request import DOWN
from .sql import classify


def pending(migrations: t.Sequence[Migration], classes: t.Sequence[classify.Class]) -> list[dict[str, t.Any]]:
    return [
        {
            "name": migration.name,
            "kind": one.kind,
            "reasons": list(one.reasons),
            "reversible": migration.reversible,
            "transaction": migration.transaction,
        }
        for migration, one in zip(migrations, classes)
    ]


def ran(done: t.Sequence[MigrationRun]) -> list[dict[str, t.Any]]:
    return [
        {"name": one.name, "milliseconds": round(one.seconds * 1000), "attempts": one.attempts}
        for one in done
    ]


def before_and_after(seen: Observed, plan: Plan, state: str) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    before = list(seen.applied)
    names = [migration.name for migration in plan.steps]
    after = before + [name for name in names if name not in before]
    if state == DOWN:
        after = [name for name in before if name not in names]
    shown = {"applied": before}, {"applied": after}
    if plan.adopted or state == "recorded":
        mine = [name for name, entry in seen.ledger.items() if entry.finished]
        more = [migration.name for migration in plan.adopted] or names
        shown[0]["recorded"], shown[1]["recorded"] = mine, mine + [name for name in more if name not in mine]
    return shown
