# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on PostgreSQL: their options, their ports, their work."""

from __future__ import annotations

from .._common._operation import Operation
from . import _health, _health_data, _login

HEALTH = Operation(
    {
        **_login.OPTIONS,
        "checks": {
            "type": "list",
            "elements": "str",
            "choices": list(_health.CHECKS),
            "default": [check for check in _health.CHECKS if check != _health.DISK],
        },
        "connections_percent": {"type": "int", "default": 80},
        "active_connections": {"type": "int"},
        "transaction_age": {"type": "int", "default": 300},
        "idle_in_transaction": {"type": "int", "default": 60},
        "blocked_for": {"type": "int", "default": 5},
        "standbys": {"type": "int", "default": 0},
        "replication_lag": {"type": "int", "default": 30},
        "replication_lag_bytes": {"type": "int", "default": 268435456},
        "slot_bytes": {"type": "int", "default": 1073741824},
        "wal_bytes": {"type": "int"},
        "wraparound_percent": {"type": "int", "default": 50},
        "disk_free_percent": {"type": "int", "default": 10},
        "largest_tables": {"type": "int", "default": 10},
        **_health_data.OPTIONS,
    },
    _health.Ports.of,
    _health.run,
    _login.CONSTRAINTS,
)
