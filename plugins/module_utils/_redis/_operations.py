# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on Redis: their options, their port, their work."""

from __future__ import annotations

from .._common._operation import Operation
from . import _health
from ._port import OPTIONS, Client

HEALTH = Operation(
    {
        **OPTIONS,
        "checks": {
            "type": "list",
            "elements": "str",
            "choices": list(_health.CHECKS),
            "default": list(_health.CHECKS),
        },
        "connections_percent": {"type": "int", "default": 80},
        "rejected_allowed": {"type": "int", "default": 0},
        "memory_percent": {"type": "int", "default": 90},
        "evicted_allowed": {"type": "int"},
        "save_age": {"type": "int"},
        "replicas": {"type": "int", "default": 0},
        "replication_lag": {"type": "int", "default": 10},
        "before": {"type": "dict"},
    },
    Client,
    _health.run,
)
