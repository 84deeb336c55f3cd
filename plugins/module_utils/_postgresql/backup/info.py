# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Lists the backups of a store, and says whether a proven one is young enough."""

from __future__ import annotations

from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from . import backups
from .backups import Backup
from .stores import options as store_options
from .stores.store import Store


def run(store: Store, context: Context) -> Result:
    params, now = context.params, context.clock.wall()
    selected = [
        backup
        for backup in backups.of_database(store, params["database"])
        if backup.is_of(params["kind"], params["release"])
    ]
    usable = [backup for backup in selected if not backup.damage]
    newest = next(iter(usable), None)
    verified = next((backup for backup in usable if backup.verified), None)
    reasons = [f"{backup.id}: {'; '.join(backup.damage)}" for backup in selected if backup.damage]
    if params["verified_within"] is not None:
        reasons += _too_old(verified, now, params["verified_within"])
    values = {
        "backups": [backup.as_result(now) for backup in selected],
        "newest": newest.as_result(now) if newest else None,
        "newest_verified": verified.as_result(now) if verified else None,
        "healthy": not reasons,
        "reasons": reasons,
    }
    return Result(False, values=values)


def _too_old(verified: Backup | None, now: float, limit: int) -> list[str]:
    if verified is None:
        return ["no backup is verified; take one with pg_backup and prove it with pg_restore_drill"]
    age = round(now - verified.taken)
    if age <= limit:
        return []
    return [f"{verified.id}: the newest verified backup is {age} s old, at most {limit} s allowed"]


OPERATION = Operation(
    {
        **store_options.OPTIONS,
        "database": Option("str"),
        "kind": Option("str"),
        "release": Option("str"),
        "verified_within": Option("int", low=0),
    },
    store_options.connect,
    run,
    store_options.CONSTRAINTS,
)
