# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What the operations on a server and its repository need."""

from __future__ import annotations

import dataclasses

from ..._common.operation import Context
from ..session import Postgres, Server
from .programs import AsUser, LocalPrograms
from .repository import Repository, RepositoryAccess


@dataclasses.dataclass(frozen=True)
class Ports:
    server: Server
    repository: Repository


def connect(context: Context) -> Ports:
    programs = LocalPrograms(context.params["user"])
    repository = Repository(programs, RepositoryAccess.of(context.params))
    return Ports(AsUser(Postgres.of(context), programs), repository)
