# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""pg_migrate: observes, plans, and brings a database from one release to the next, or back."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from .. import lock
from ..login import CONSTRAINTS, OPTIONS
from ..session import Server
from . import describe, job_options
from . import server_sessions as backends
from .apply import Apply, refuse
from .attempts import Attempts, Reconnect
from .connect import connect
from .engines.base import MigrationContext
from .engines.registry import ENGINES
from .files import readable
from .observe import Assessment, assess, observe
from .plan import DOWN, RECORDED, REHEARSED, STATES, UP
from .ports import Ports
from .programs.orphan import ended_with_controller
from .recover import recover_abandoned
from .rehearse import Rehearsal, rehearse
from .sql import classify, squawk
from .sql.statements import split


def run(ports: Ports, context: Context) -> Result:
    params = context.params
    _check(params)
    end = context.clock.now() + params["timeout"]
    files = ports.engine.files()

    def work(server: Server, version: int) -> MigrationContext:
        name = backends.working_name(params["release"], context)
        rehearsal = params["state"] == REHEARSED
        return MigrationContext(
            server,
            ports.engine_programs,
            context,
            name,
            lambda: end - context.clock.now(),
            version,
            rehearsal,
            ports.programs,
        )

    settled = recover_abandoned(ports, context, files, work)
    with ports.server.session() as session:
        assessment = assess(ports, context, session, files, settled)
    forward = params["state"] in (UP, REHEARSED) and not assessment.plan.problems
    way_back, reasons = classify.way_back(assessment.classes) if forward else (None, [])
    values = {**_values(assessment, params["state"]), "way_back": way_back, "reasons": reasons}
    refuse(ports.server.login.where, assessment.refusals, **values)

    if assessment.plan.steps and params["state"] != RECORDED:
        ports.engine_programs.check()
    if params["state"] == REHEARSED:
        if assessment.plan.steps and not context.check_mode:
            if not ports.copy:
                raise AssertionError("the options of a rehearsal always name its copy")
            with ended_with_controller(context, ports.engine_programs.abandon):
                all_of_it = _rehearse_on_copy(ports, assessment, work(ports.copy, assessment.version))
            values["rehearsal"] = [one.as_result() for one in all_of_it]
            others = len(all_of_it) - len(assessment.plan.steps)
            found = all_of_it[others:]
            classes = reclassified(assessment.classes, found)
            values["pending"] = describe.pending(assessment.plan.steps, classes)
            values["way_back"], values["reasons"] = proven_way_back(classes, found)
        return Result(False, values=values)
    before, after = describe.before_and_after(assessment.seen, assessment.plan, params["state"])
    if assessment.plan.changes and not context.check_mode:
        apply = Apply(ports, work(ports.server, assessment.version), files)
        with ended_with_controller(context, ports.engine_programs.abandon):
            apply.run()
        values["applied" if params["state"] == UP else "reverted"] = describe.ran(apply.done)
    return Result(assessment.plan.changes, before, after, values)


def reclassified(classes: t.Sequence[classify.Class], found: t.Sequence[Rehearsal]) -> list[classify.Class]:
    """What a program does is known once it was seen to do it."""
    known = []
    for one, rehearsed in zip(classes, found):
        sql = ";\n".join(rehearsed.up.statements)
        known.append(
            classify.of(one.name, split(sql), one.reversible)
            if one.kind == classify.UNKNOWN and readable(sql)
            else one
        )
    return known


def proven_way_back(
    classes: t.Sequence[classify.Class], found: t.Sequence[Rehearsal]
) -> tuple[str, list[str]]:
    """The way back after a rehearsal: a way down that does not lead back is none."""
    restored = {one.up.name: one.restored for one in found}
    way, reasons = classify.way_back(
        [dataclasses.replace(one, reversible=one.reversible and restored[one.name]) for one in classes]
    )
    wrong = [f"{one.up.name}: its way down does not restore the schema" for one in found if one.difference]
    return way, [*reasons, *wrong]


def _values(assessment: Assessment, state: str) -> dict[str, t.Any]:
    steps = describe.pending(assessment.plan.steps, assessment.classes)
    return {
        "pending": [] if state == DOWN else steps,
        "to_revert": [one["name"] for one in steps] if state == DOWN else [],
        "findings": [dataclasses.asdict(finding) for finding in assessment.findings],
        "invalid_indexes": assessment.invalid_indexes,
        "applied": [],
        "reverted": [],
        "rehearsal": [],
    }


def _rehearse_on_copy(ports: Ports, assessment: Assessment, work: MigrationContext) -> list[Rehearsal]:
    """On the copy, which has to be one: what is pending there is what
    is pending here, after what this release has applied here since.

    A release that is run again, after one of its migrations has
    failed, has its copy from the backup before the first of them.
    """
    copy, context = work.server, work.context
    with lock.held(
        copy,
        f"rehearse {context.params['release']}",
        context,
        wait_timeout=context.params["lock_wait_timeout"],
    ) as session:
        backends.end(session, context)
        _seen, plan = observe(ports, context, session, assessment.seen.files)
        there, here = [step.name for step in plan.steps], [step.name for step in assessment.plan.steps]
        first = len(there) - len(here)
        entries = [assessment.seen.ledger.get(name) for name in there[:first]]
        behind = all(entry is None or entry.release == context.params["release"] for entry in entries)
        if there[first:] != here or not behind or plan.problems:
            raise InputError(
                f"rehearse_on: {copy.login.where} is not a fresh copy of {ports.server.login.where}; nothing was changed.",
                why=[
                    *plan.problems,
                    f"pending there: {', '.join(there) or 'nothing'}",
                    f"pending here: {', '.join(here)}",
                ],
                then="restore the backup into it again",
            )
        ports.ledger.create(session)
        try:
            return rehearse(Attempts(ports.engine, work, session), work, plan.steps, ports.engine.tables)
        except Reconnect as exc:
            raise exc.failure from exc
        except ReleaseError as exc:
            exc.what = f"Rehearsal on {copy.login.database}: {exc.what}"
            exc.done = "the database itself was not changed"
            raise


def _check(params: dict[str, t.Any]) -> None:
    least = {"lock_timeout": 1, "statement_timeout": 0, "count": 0}
    problems = [
        f"{name}: found {params[name]}; allowed: {low} or more"
        for name, low in least.items()
        if params[name] is not None and params[name] < low
    ]
    if params["rehearse_on"] and params["rehearse_on"] == params["database"]:
        problems.append(
            f"rehearse_on: found {params['rehearse_on']!r}, which is the database itself; allowed: a disposable copy of it"
        )
    if problems:
        raise InputError("The options are wrong; nothing was changed.", why=problems)


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
        "count": Option("int"),
        "scope": Option("str"),
        "rehearse_on": Option("str"),
        "lint": Option("str", "block", choices=["block", "report", "skip"]),
        "lint_block": Option("list", list(squawk.BLOCKING), each=Option("str")),
        "allow_data_loss": Option("bool", False),
        "lock_timeout": Option("int", 500),
        "statement_timeout": Option("int", 60000),
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
