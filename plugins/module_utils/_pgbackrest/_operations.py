# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on pgBackRest: their options, their ports, their work."""

from __future__ import annotations

import typing as t

from .._common._operation import Operation
from .._database import _login
from .._database._health_data import OPTIONS as QUERIES
from . import _backup, _drill, _info, _stanza
from ._repository import OPTIONS

_WAL: dict[str, t.Any] = {"wal_segment_bytes": {"type": "int", "default": 16777216}}

BACKUP = Operation(
    {
        **OPTIONS,
        **_login.OPTIONS,
        "type": {"type": "str", "choices": ["full", "diff", "incr"], "default": "diff"},
        "release": {"type": "str"},
        "reuse_within": {"type": "int", "default": 0},
    },
    _backup.Ports.of,
    _backup.run,
    _login.CONSTRAINTS,
)

INFO = Operation(
    {
        **OPTIONS,
        **_WAL,
        "max_age": {"type": "int", "default": 90000},
        "max_full_age": {"type": "int"},
        "verified_within": {"type": "int"},
        "wal_age": {"type": "int"},
        "verify": {"type": "bool", "default": False},
    },
    _info.connect,
    _info.run,
)

DRILL = Operation(
    {
        **OPTIONS,
        **_WAL,
        **QUERIES,
        "directory": {"type": "path", "required": True},
        "set": {"type": "str"},
        "target_type": {
            "type": "str",
            "choices": ["default", "immediate", "name", "time", "lsn"],
            "default": "default",
        },
        "target": {"type": "str"},
        "pg_bin": {"type": "path"},
        "settings": {"type": "dict", "default": {}},
        "jobs": {"type": "int"},
        "timeout": {"type": "int", "default": 3600},
        "login_user": {"type": "str", "default": "postgres"},
        "database": {"type": "str", "default": "postgres"},
        "reuse_within": {"type": "int", "default": 0},
    },
    _drill.Ports.of,
    _drill.run,
)

STANZA = Operation(
    {
        **OPTIONS,
        **_login.OPTIONS,
        "archive_timeout": {"type": "int", "default": 60},
    },
    _stanza.Ports.of,
    _stanza.run,
    _login.CONSTRAINTS,
)
