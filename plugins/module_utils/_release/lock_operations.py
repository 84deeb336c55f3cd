# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Taking the lock, giving it back and showing who holds it, by hand."""

from __future__ import annotations

import typing as t

from .._common.operation import Context, Result
from .lock import ReleaseLock


def run(lock: ReleaseLock, context: Context) -> Result:
    force, is_present = context.params["force"], context.params["state"] == "present"
    holder = lock.current_holder()
    other = holder if holder is not None and holder.by != lock.me else None
    if other and context.params["own_only"]:
        return Result(False, values={"taken_from": "", **_as_result(lock)})
    if other and not force:
        raise lock.refusal(other)
    changed = (holder is None or other is not None) if is_present else holder is not None
    taken = ""
    if not context.check_mode and (is_present or changed):
        taken = lock.take(force)
        if not is_present:
            lock.give_back()
    if taken:
        context.say(f"the lock was taken over from {taken}")
    return Result(changed, values={"taken_from": taken, **_as_result(lock)})


def run_info(lock: ReleaseLock, context: Context) -> Result:
    holder = lock.current_holder()
    is_mine = holder is not None and holder.by == lock.me
    return Result(False, values={"mine": is_mine, **_as_result(lock)})


def _as_result(lock: ReleaseLock) -> dict[str, t.Any]:
    holder = lock.current_holder()
    if holder is None:
        return {"held": False, "holder": "", "release": "", "seconds_left": 0}
    return {
        "held": True,
        "holder": holder.by,
        "release": holder.release,
        "seconds_left": lock.seconds_left(holder),
    }
