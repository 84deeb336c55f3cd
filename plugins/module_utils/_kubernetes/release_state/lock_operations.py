# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Taking the lock, giving it back and showing who holds it, by hand."""

from __future__ import annotations

import typing as t

from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..api.client import ClusterApi
from ..api.options import NAMESPACE
from ..api.port import KubeApi
from .lock import Held, Lock


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    lock = Lock(api, params["namespace"], params["release"], context)
    force, is_present = params["force"], params["state"] == "present"
    holder = lock.current_holder()
    other = holder if holder is not None and holder.by != lock.me else None
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
    return Result(changed, values={"taken_from": taken, **_as_result(lock.current_holder(), api)})


def run_info(api: KubeApi, context: Context) -> Result:
    lock = Lock(api, context.params["namespace"], "", context)
    holder = lock.current_holder()
    is_mine = holder is not None and holder.by == lock.me
    return Result(False, values={"mine": is_mine, **_as_result(holder, api)})


def _as_result(holder: Held | None, api: KubeApi) -> dict[str, t.Any]:
    if holder is None:
        return {"held": False, "holder": "", "release": "", "seconds_left": 0}
    return {
        "held": True,
        "holder": holder.by,
        "release": holder.release,
        "seconds_left": max(0, round(holder.until - api.time())),
    }


LOCK = Operation(
    {
        **NAMESPACE,
        "release": Option("str", REQUIRED),
        "state": Option("str", "present", choices=["present", "absent"]),
        "force": Option("bool", False),
    },
    ClusterApi,
    run,
)


LOCK_INFO = Operation({**NAMESPACE}, ClusterApi, run_info)
