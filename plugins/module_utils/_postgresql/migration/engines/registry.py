# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The engines of migrations by the names users give them: a new one is a file beside this and a line here."""

from __future__ import annotations

import typing as t

from ...._common.operation import Context
from ..ledger import Ledger
from .base import Engine
from .db_migrate import DbMigrateEngine
from .flyway import FlywayEngine
from .golang_migrate import GolangMigrateEngine
from .sqitch import SqitchEngine
from .sql import SqlEngine

ENGINES: dict[str, t.Callable[[Context, Ledger], Engine]] = {
    "sql": SqlEngine,
    "db_migrate": DbMigrateEngine,
    "sqitch": SqitchEngine,
    "flyway": FlywayEngine,
    "golang_migrate": GolangMigrateEngine,
}
