# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""pg_migrate: observes, plans, and brings a database from one release to the next, or back."""

from __future__ import annotations

import typing as t

from ..._common.errors import InputError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..login import CONSTRAINTS, OPTIONS
from ..session import Server
from . import describe, job_options
from . import server_sessions as backends
from .apply import Apply, refuse
from .connect import connect
from .engines.base import MigrationContext
from .engines.registry import ENGINES
from .observe import Assessment, assess
from .ports import Ports
from .programs.orphan import ended_with_controller
from .recover import Recovery
from .rehearse_copy import CopyRehearsal
from .request import LINT_MODES, RECORDED, REHEARSED, STATES, UP, Limits, MigrationRequest
from .sql import classify, squawk


def run(ports: Ports, context: Context) -> Result:
    params = context.params
    _check_copy(params["rehearse_on"], params["database"])
    request, limits = MigrationRequest.of(params), Limits.of(params)
    files = ports.engine.files()
    end = context.clock.now() + limits.timeout

    def context_for(server: Server, version: int) -> MigrationContext:
        return MigrationContext(
            server=server,
            programs=ports.engine_programs,
            context=context,
            name=backends.working_name(request.release, context),
            left=lambda: end - context.clock.now(),
            server_version=version,
            limits=limits,
            rehearsal=request.state == REHEARSED,
            tools=ports.programs,
        )

    settled = Recovery(ports, context, request, limits, context_for).recover_abandoned(files)
    with ports.server.session() as session:
        assessment = assess(ports, session, request, files, settled)
    values = _values(assessment, request)
    refuse(ports.server.login.where, assessment.refusals, **values)
    plan = assessment.plan
    if plan.steps and request.state != RECORDED:
        ports.engine_programs.check()
    if request.state == REHEARSED:
        if plan.steps and ports.copy and not context.check_mode:
            work = context_for(ports.copy, assessment.version)
            values.update(CopyRehearsal(ports, work, request, assessment).run())
        return Result(False, values=values)
    before, after = describe.before_and_after(assessment.seen, plan, request.state)
    if plan.changes and not context.check_mode:
        apply = Apply(ports, context_for(ports.server, assessment.version), request, files)
        with ended_with_controller(context, ports.engine_programs.abandon):
            apply.run()
        values["applied" if request.state == UP else "reverted"] = describe.ran(apply.done)
    return Result(plan.changes, before, after, values)


def _values(assessment: Assessment, request: MigrationRequest) -> dict[str, t.Any]:
    """The result of a run that has changed nothing yet."""
    steps = describe.pending(assessment.plan.steps, assessment.classes)
    back = request.goes_back
    way_back, reasons = None, list[str]()
    if request.state in (UP, REHEARSED) and not assessment.plan.problems:
        way_back, reasons = classify.way_back(assessment.classes)
    return {
        "pending": [] if back else steps,
        "to_revert": [step["name"] for step in steps] if back else [],
        "findings": [finding.as_result() for finding in assessment.findings],
        "invalid_indexes": assessment.invalid_indexes,
        "applied": [],
        "reverted": [],
        "rehearsal": [],
        "way_back": way_back,
        "reasons": reasons,
    }


def _check_copy(rehearse_on: str | None, database: str | None) -> None:
    if rehearse_on and rehearse_on == database:
        raise InputError(
            "The options are wrong; nothing was changed.",
            why=[
                f"rehearse_on: found {rehearse_on!r}, which is the database itself; allowed: a disposable copy of it"
            ],
        )


OPERATION = Operation(
    {
        **OPTIONS,
        "engine": Option("str", "sql", choices=list(ENGINES)),
        "src": Option("path", REQUIRED),
        "migrations_dir": Option("str"),
        "table": Option("str"),
        "program": Option("path"),
        "job": job_options.JOB,
        "release": Option("str", REQUIRED),
        "state": Option("str", "up", choices=list(STATES)),
        "to": Option("str"),
        "count": Option("int", low=0),
        "scope": Option("str"),
        "rehearse_on": Option("str"),
        "lint": Option("str", "block", choices=list(LINT_MODES)),
        "lint_block": Option("list", list(squawk.BLOCKING), each=Option("str")),
        "allow_data_loss": Option("bool", False),
        "lock_timeout": Option("int", 500, low=1),
        "statement_timeout": Option("int", 60000, low=0),
        "timeout": Option("int", 1800, low=1),
        "retry_window": Option("int", 300, low=0),
        "lock_wait_timeout": Option("int", 0, low=0),
    },
    connect,
    run,
    {
        **CONSTRAINTS,
        "mutually_exclusive": [*CONSTRAINTS["mutually_exclusive"], ["to", "count"]],
        "required_if": [["state", "rehearsed", ["rehearse_on"]]],
    },
)
