# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a strategy waits for between two of its changes. Pure, over the workload and the seconds waited."""

from __future__ import annotations

import typing as t

from ..api.port import Object
from ..workload.kinds.registry import KINDS
from ..workload.status import READY, seen, status


class Condition(t.Protocol):
    # Whether its workload has to get on meanwhile: then its timeout runs, and its standing still is a problem.
    expects_progress: t.ClassVar[bool]

    def is_met(self, workload: Object, seconds: float) -> bool:
        """
        :param workload: its newest state.
        :param seconds: since the wait for this condition began.
        """


class Settled:
    """Every pod runs what was asked for, and is available."""

    expects_progress: t.ClassVar[bool] = True

    def is_met(self, workload: Object, seconds: float) -> bool:
        return status(workload).state == READY


class Available:
    """At least so many pods of the newest version are available."""

    expects_progress: t.ClassVar[bool] = True

    def __init__(self, pods: int) -> None:
        self.pods = pods

    def is_met(self, workload: Object, seconds: float) -> bool:
        return seen(workload) and KINDS[workload["kind"]].updated_available(workload) >= self.pods


class Hold:
    """So many seconds have passed; the workload is left as it is meanwhile."""

    expects_progress: t.ClassVar[bool] = False

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds

    def is_met(self, workload: Object, seconds: float) -> bool:
        return seconds >= self.seconds
