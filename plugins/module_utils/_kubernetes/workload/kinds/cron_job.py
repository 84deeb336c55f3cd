# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""CronJobs."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import READY, Kind, Status


class CronJob(Kind):
    """A schedule is in force as soon as it is stored; its Jobs have a status of their own."""

    name = "CronJob"
    is_observed = False

    def status(self, spec: Object, status: Object, conditions: t.Mapping[str, Object]) -> Status:
        text = "suspended" if spec.get("suspend") else f"scheduled {spec.get('schedule', '')}"
        if status.get("lastSuccessfulTime"):
            text += f", last success {status['lastSuccessfulTime']}"
        return Status(READY, text)
