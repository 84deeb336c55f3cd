# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on the lock, where a namespace of Kubernetes keeps it."""

from __future__ import annotations

from ..._common.operation import Context, Operation
from ..._common.options import REQUIRED, Option
from ..._release import lock_operations
from ..api.client import ClusterApi
from ..api.options import NAMESPACE
from .lease import Lease


def _lock(context: Context) -> Lease:
    params = context.params
    return Lease(ClusterApi(context), params["namespace"], params.get("release") or "", context)


LOCK = Operation(
    {
        **NAMESPACE,
        "release": Option("str", REQUIRED),
        "state": Option("str", "present", choices=["present", "absent"]),
        "force": Option("bool", False),
        "own_only": Option("bool", False),
    },
    _lock,
    lock_operations.run,
)

LOCK_INFO = Operation({**NAMESPACE}, _lock, lock_operations.run_info)
