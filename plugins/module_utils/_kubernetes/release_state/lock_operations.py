# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Taking, giving back and looking at the lock by hand."""

from __future__ import annotations

import typing as t

from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..api.client import ClusterApi
from ..api.options import NAMESPACE
from ..api.port import KubeApi
from .lock import Held, Lock


def run(api: KubeApi, context: Context) -> Result:
    lock, force = Lock(api, context), context.params["force"]
    there = lock.look()
    other = there if there is not None and there.by != lock.me else None
    if other and not force:
        raise lock.refusal(other)
    if context.params["state"] == "present":
        changed = there is None or other is not None
        taken = "" if context.check_mode else lock.take(force)
    else:
        changed, taken = there is not None, ""
        if changed and not context.check_mode:
            taken = lock.take(force)
            lock.give_back()
    if taken:
        context.say(f"the lock was taken over from {taken}")
    return Result(changed, values={"taken_from": taken, **_told(lock.look(), api)})


def look(api: KubeApi, context: Context) -> Result:
    lock = Lock(
        api, Context({**context.params, "release": ""}, clock=context.clock, controller=context.controller)
    )
    there = lock.look()
    return Result(False, values={"mine": there is not None and there.by == lock.me, **_told(there, api)})


def _told(there: Held | None, api: KubeApi) -> dict[str, t.Any]:
    if there is None:
        return {"held": False, "holder": "", "release": "", "seconds_left": 0}
    return {
        "held": True,
        "holder": there.by,
        "release": there.release,
        "seconds_left": max(0, round(there.until - api.time())),
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


LOCK_INFO = Operation({**NAMESPACE}, ClusterApi, look)
