# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on record and report, where a namespace of Kubernetes keeps them."""

from __future__ import annotations

from ..._common.operation import Context, Operation
from ..._common.options import REQUIRED, Option
from ..._release import close_operation, report_operation
from ..._release.record import Record
from ..api.client import ClusterApi
from ..api.options import NAMESPACE
from .config_map import record_of

_RELEASE = {"release": Option("str", REQUIRED)}
_OUTCOME = {"reason": Option("str"), "smoke": Option("list", each=Option("dict"))}


def _record(context: Context) -> Record:
    params = context.params
    return record_of(ClusterApi(context), params["namespace"], params["release"], context.clock)


RECORD = Operation({**NAMESPACE, **_RELEASE, **_OUTCOME}, _record, close_operation.run)

REPORT = Operation(
    {
        **NAMESPACE,
        **_RELEASE,
        **_OUTCOME,
        "platform": Option("str", REQUIRED),
        "path": Option("path", REQUIRED),
    },
    _record,
    report_operation.run,
)
