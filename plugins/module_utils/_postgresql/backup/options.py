# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Options that operations on backups share."""

from __future__ import annotations

import typing as t

from ..._common.options import Option
from .. import login
from .stores import options as store

SERVER: dict[str, Option] = {**login.OPTIONS, **store.OPTIONS, "pg_bin": Option("path")}
CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [
        *login.CONSTRAINTS["mutually_exclusive"],
        *store.CONSTRAINTS["mutually_exclusive"],
    ],
    "required_one_of": store.CONSTRAINTS["required_one_of"],
}
LOAD: dict[str, Option] = {
    "backup": Option("str", "newest_verified"),
    "identity": Option("path"),
    "jobs": Option("int", 1, low=1, high=64),
    "spool": Option("path"),
}
