# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The engines of migrations by the names that users give them. A new one is a file beside this one and a line here,
and a paragraph in the documentation of the module.
"""

from __future__ import annotations

import typing as t

from ..ledger import Ledger
from .base import Engine, EngineOptions
from .db_migrate import DbMigrateEngine
from .flyway import FlywayEngine
from .golang_migrate import GolangMigrateEngine
from .sqitch import SqitchEngine
from .sql import SqlEngine

ENGINES: dict[str, t.Callable[[EngineOptions, Ledger], Engine]] = {
    "sql": SqlEngine,
    "db_migrate": DbMigrateEngine,
    "sqitch": SqitchEngine,
    "flyway": FlywayEngine,
    "golang_migrate": GolangMigrateEngine,
}
