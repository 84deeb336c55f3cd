# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The kinds that an apply waits for besides those that run services: importing this registers them."""

from __future__ import annotations

from .cron_job import CronJob
from .job import Job
from .registry import KINDS
from .replica_set import ReplicaSet

KINDS.update({kind.name: kind for kind in (ReplicaSet(), Job(), CronJob())})
