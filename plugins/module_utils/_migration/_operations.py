# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operation on migrations: its options, its ports, its work."""

from __future__ import annotations

import os
import typing as t

from .._common._operation import Context, Operation
from .._database._login import CONSTRAINTS, OPTIONS
from .._database._session import Postgres
from . import _job_options, _run, _squawk
from ._engine import Engine
from ._engine_db_migrate import DbMigrateEngine
from ._engine_flyway import FlywayEngine
from ._engine_golang_migrate import GolangMigrateEngine
from ._engine_sqitch import SqitchEngine
from ._engine_sql import SqlEngine
from ._ledger import Ledger
from ._plan import STATES
from ._ports import Ports
from ._program import EnginePrograms, Supervised

_ENGINES: dict[str, t.Callable[[Context, Ledger], Engine]] = {
    "sql": SqlEngine,
    "db_migrate": DbMigrateEngine,
    "sqitch": SqitchEngine,
    "flyway": FlywayEngine,
    "golang_migrate": GolangMigrateEngine,
}


def _ports(context: Context) -> Ports:
    server, ledger, copy = (
        Postgres.of(context),
        Ledger(context.params["scope"] or context.params["engine"]),
        context.params["rehearse_on"],
    )
    engine = _ENGINES[context.params["engine"]](context, ledger)
    return Ports(
        server,
        Supervised(),
        _engine_programs(context, server),
        engine,
        ledger,
        Postgres(server.login.to(copy)) if copy else None,
    )


def _engine_programs(context: Context, server: Postgres) -> EnginePrograms:
    if not context.params["job"]:
        return Supervised()
    _job_options.check(context.params, server.login, os.environ)
    # Whoever migrates from here needs no client of Kubernetes.
    from ._program_job import JobPrograms

    return JobPrograms.of(context)


MIGRATE = Operation(
    {
        **OPTIONS,
        "engine": {"type": "str", "choices": list(_ENGINES), "default": "sql"},
        "src": {"type": "path", "required": True},
        "migrations_dir": {"type": "str"},
        "table": {"type": "str"},
        "program": {"type": "path"},
        "job": _job_options.JOB,
        "release": {"type": "str", "required": True},
        "state": {"type": "str", "choices": list(STATES), "default": "up"},
        "to": {"type": "str"},
        "count": {"type": "int"},
        "scope": {"type": "str"},
        "rehearse_on": {"type": "str"},
        "lint": {"type": "str", "choices": ["block", "report", "skip"], "default": "block"},
        "lint_block": {"type": "list", "elements": "str", "default": list(_squawk.BLOCKING)},
        "allow_data_loss": {"type": "bool", "default": False},
        "lock_timeout": {"type": "int", "default": 500},
        "statement_timeout": {"type": "int", "default": 60000},
        "timeout": {"type": "int", "default": 1800},
        "retry_window": {"type": "int", "default": 300},
        "lock_patience": {"type": "int", "default": 0},
    },
    _ports,
    _run.run,
    {
        **CONSTRAINTS,
        "mutually_exclusive": [*CONSTRAINTS["mutually_exclusive"], ["to", "count"]],
        "required_if": [["state", "rehearsed", ["rehearse_on"]]],
    },
)
