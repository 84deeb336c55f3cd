# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Makes what a migration works with, out of the options."""

from __future__ import annotations

import os

from ..._common.operation import Context
from ..session import Postgres
from . import job_options
from .engines.registry import ENGINES
from .ledger import Ledger
from .ports import Ports
from .programs.supervised import EnginePrograms, Supervised
from .sql.statements import require_parser


def connect(context: Context) -> Ports:
    require_parser()
    server = Postgres.of(context)
    ledger = Ledger(context.params["scope"] or context.params["engine"])
    copy = context.params["rehearse_on"]
    engine = ENGINES[context.params["engine"]](context, ledger)
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
    job_options.check(context.params, server.login, os.environ)
    # Whoever migrates from here needs no client of Kubernetes.
    from .programs.job import JobPrograms

    return JobPrograms.of(context)
