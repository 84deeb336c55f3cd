# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Jobs."""

from __future__ import annotations

import typing as t

from ...api.port import Object
from .base import FAILED, PROGRESSING, READY, Kind, Status, is_true


class Job(Kind):
    name = "Job"
    is_observed = False

    def status(self, spec: Object, status: Object, conditions: t.Mapping[str, Object]) -> Status:
        desired = spec.get("completions") or spec.get("parallelism") or 1
        counts = (
            f"{status.get('succeeded', 0)} of {desired} succeeded, "
            f"{status.get('active', 0)} active, {status.get('failed', 0)} failed"
        )
        if is_true(conditions, "Failed"):
            failed = conditions["Failed"]
            return Status(FAILED, f"{failed.get('reason', 'failed')}: {failed.get('message', counts)}")
        if is_true(conditions, "Complete"):
            return Status(READY, f"complete, {counts}")
        if spec.get("suspend") or is_true(conditions, "Suspended"):
            return Status(PROGRESSING, "suspended: nothing runs until it is resumed")
        return Status(PROGRESSING, counts)
