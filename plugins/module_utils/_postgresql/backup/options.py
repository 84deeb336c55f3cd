# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Options that operations on backups share."""

from __future__ import annotations

import typing as t

from .. import login
from .stores import options as store

SERVER: dict[str, t.Any] = {**login.OPTIONS, **store.OPTIONS, "pg_bin": {"type": "path"}}
CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [
        *login.CONSTRAINTS["mutually_exclusive"],
        *store.CONSTRAINTS["mutually_exclusive"],
    ],
    "required_one_of": store.CONSTRAINTS["required_one_of"],
}
LOAD: dict[str, t.Any] = {
    "backup": {"type": "str", "default": "newest_verified"},
    "identity": {"type": "path"},
    "jobs": {"type": "int", "default": 1},
    "spool": {"type": "path"},
}
