# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Makes the ports of a migration out of the options."""

from __future__ import annotations

import os

from ..._common.operation import Context
from ..session import Postgres
from . import job_options
from .engines.base import EngineOptions
from .engines.registry import ENGINES
from .ledger import Ledger
from .ports import Ports
from .programs.supervised import EnginePrograms, Supervised
from .sql.statements import require_parser


def connect(context: Context) -> Ports:
    require_parser()
    params = context.params
    server = Postgres.of(context)
    ledger = Ledger(params["scope"] or params["engine"])
    options = EngineOptions(
        src=params["src"],
        release=params["release"],
        migrations_dir=params["migrations_dir"],
        table=params["table"],
        program=params["program"],
        runs_here=not params["job"],
    )
    engine = ENGINES[params["engine"]](options, ledger)
    programs: EnginePrograms = Supervised()
    if params["job"]:
        job_options.check(params["job"], params["engine"], not engine.runs_sql, server.login, os.environ)
        # Imported only for a Job, because it needs the package kubernetes.
        from .programs.job import JobPrograms

        programs = JobPrograms.connected(context, params["job"], options)
    copy = params["rehearse_on"]
    return Ports(
        server,
        Supervised(),
        programs,
        engine,
        ledger,
        Postgres(server.login.to(copy)) if copy else None,
    )
