# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What operations on backups work with: a server, a store, PostgreSQL's programs."""

from __future__ import annotations

import dataclasses

from ..._common.errors import InputError
from ..._common.operation import Context
from ..session import Postgres, Server
from .programs import PgPrograms
from .stores import options as store
from .stores.store import Store


@dataclasses.dataclass(frozen=True)
class Ports:
    server: Server
    store: Store
    programs: PgPrograms


def connect(context: Context) -> Ports:
    server = Postgres.of(context)
    if not server.login.database:
        raise InputError("database: is missing; allowed: the name of the database that is backed up")
    return Ports(server, store.connect(context), PgPrograms(context, context.params["pg_bin"]))
