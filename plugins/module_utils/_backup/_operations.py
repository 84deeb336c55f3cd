# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on backups: their options, their ports, their work."""

from __future__ import annotations

import typing as t

from .._common._errors import InputError
from .._common._operation import Context, Operation
from .._database import _login as login
from .._database._session import Postgres
from . import _backup, _drill, _info, _prune, _restore, _store_options
from ._backup import Ports
from ._programs import ENCRYPTIONS, Programs

_SERVER: dict[str, t.Any] = {**login.OPTIONS, **_store_options.OPTIONS, "pg_bin": {"type": "path"}}
_CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [
        *login.CONSTRAINTS["mutually_exclusive"],
        *_store_options.CONSTRAINTS["mutually_exclusive"],
    ],
    "required_one_of": _store_options.CONSTRAINTS["required_one_of"],
}
_LOAD: dict[str, t.Any] = {
    "backup": {"type": "str", "default": "newest_verified"},
    "identity": {"type": "path"},
    "jobs": {"type": "int", "default": 1},
    "spool": {"type": "path"},
}


def _ports(context: Context) -> Ports:
    params = context.params
    found = Ports(Postgres.of(context), _store_options.of(context), Programs(context, params["pg_bin"]))
    if not found.server.login.database:
        raise InputError("database: is missing; allowed: the name of the database that is backed up")
    return found


BACKUP = Operation(
    {
        **_SERVER,
        "kind": {"type": "str", "default": "manual"},
        "release": {"type": "str"},
        "globals": {"type": "bool", "default": True},
        "hashes": {"type": "bool", "default": True},
        "compression_level": {"type": "int", "default": 1},
        "encryption": {"type": "str", "choices": list(ENCRYPTIONS)},
        "recipients": {"type": "list", "elements": "str"},
        "tags": {"type": "dict"},
        "reuse_within": {"type": "int", "default": 0},
        "lock_patience": {"type": "int", "default": 60},
        "timeout": {"type": "int", "default": 14400},
    },
    _ports,
    _backup.run,
    _CONSTRAINTS,
)

INFO = Operation(
    {
        **_store_options.OPTIONS,
        "database": {"type": "str"},
        "kind": {"type": "str"},
        "release": {"type": "str"},
        "verified_within": {"type": "int"},
    },
    _store_options.of,
    _info.run,
    _store_options.CONSTRAINTS,
)

DRILL = Operation(
    {
        **_SERVER,
        **_LOAD,
        "backup": {"type": "str", "default": "newest"},
        "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
        "keep": {"type": "int", "default": 0},
        "scratch": {"type": "str"},
        "reuse_within": {"type": "int", "default": 0},
    },
    _ports,
    _drill.run,
    {**_CONSTRAINTS, "required_if": [["state", "absent", ["scratch"]]]},
)

RESTORE = Operation(
    {
        **_SERVER,
        **_LOAD,
        "from_database": {"type": "str"},
        "target": {"type": "str"},
        "swap": {"type": "bool", "default": False},
        "owners": {"type": "bool", "default": True},
        "globals": {"type": "bool", "default": False},
        "lock_patience": {"type": "int", "default": 60},
    },
    _ports,
    _restore.run,
    _CONSTRAINTS,
)

PRUNE = Operation(
    {
        **_store_options.OPTIONS,
        "database": {"type": "str"},
        "keep": {
            "type": "list",
            "elements": "dict",
            "required": True,
            "options": {
                "kind": {"type": "str", "required": True},
                "count": {"type": "int"},
                "days": {"type": "int"},
            },
        },
        "releases": {"type": "list", "elements": "str", "default": []},
    },
    _store_options.of,
    _prune.run,
    _store_options.CONSTRAINTS,
)
