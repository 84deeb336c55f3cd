# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""db_migrate: looks, plans, and brings a database from one release to the next, or back."""

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
from .engines.base import Work
from .engines.registry import ENGINES
from .files import readable
from .observe import Judged, judge, look
from .plan import DOWN, RECORDED, REHEARSED, STATES, UP
from .ports import Ports
from .programs.orphan import not_outliving
from .recover import take_up
from .rehearse import Rehearsed, rehearse
from .sql import classify, squawk
from .sql.statements import split


def run(ports: Ports, context: Context) -> Result:
    params = context.params
    _check(params)
    end = context.clock.now() + params["timeout"]
    files = ports.engine.files()

    def work(server: Server, version: int) -> Work:
        name = backends.working_name(params["release"], context)
        rehearsal = params["state"] == REHEARSED
        return Work(
            server,
            ports.engine_programs,
            context,
            name,
            lambda: end - context.clock.now(),
            version,
            rehearsal,
            ports.programs,
        )

    settled = take_up(ports, context, files, work)
    with ports.server.session() as session:
        judged = judge(ports, context, session, files, settled)
    forward = params["state"] in (UP, REHEARSED) and not judged.plan.problems
    way_back, reasons = classify.way_back(judged.classes) if forward else (None, [])
    values = {**_told(judged, params["state"]), "way_back": way_back, "reasons": reasons}
    refuse(ports.server.login.where, judged.refusals, **values)

    if judged.plan.steps and params["state"] != RECORDED:
        ports.engine_programs.check()
    if params["state"] == REHEARSED:
        if judged.plan.steps and not context.check_mode:
            if not ports.copy:
                raise AssertionError("a rehearsal is checked to have its copy before")
            with not_outliving(context, ports.engine_programs.abandon):
                all_of_it = _rehearsed(ports, judged, work(ports.copy, judged.version))
            values["rehearsal"] = [one.as_dict() for one in all_of_it]
            others = len(all_of_it) - len(judged.plan.steps)
            found = all_of_it[others:]
            classes = seen(judged.classes, found)
            values["pending"] = describe.pending(judged.plan.steps, classes)
            values["way_back"], values["reasons"] = proven(classes, found)
        return Result(False, values=values)
    before, after = describe.before_and_after(judged.seen, judged.plan, params["state"])
    if judged.plan.changes and not context.check_mode:
        apply = Apply(ports, work(ports.server, judged.version), files)
        with not_outliving(context, ports.engine_programs.abandon):
            apply.run()
        values["applied" if params["state"] == UP else "reverted"] = describe.ran(apply.done)
    return Result(judged.plan.changes, before, after, values)


def seen(classes: t.Sequence[classify.Class], found: t.Sequence[Rehearsed]) -> list[classify.Class]:
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


def proven(classes: t.Sequence[classify.Class], found: t.Sequence[Rehearsed]) -> tuple[str, list[str]]:
    """The way back after a rehearsal: a way down that does not lead back is none."""
    restored = {one.up.name: one.restored for one in found}
    way, reasons = classify.way_back(
        [dataclasses.replace(one, reversible=one.reversible and restored[one.name]) for one in classes]
    )
    wrong = [
        f"{one.up.name}: its way down leaves another schema than there was before"
        for one in found
        if one.difference
    ]
    return way, [*reasons, *wrong]


def _told(judged: Judged, state: str) -> dict[str, t.Any]:
    steps = describe.pending(judged.plan.steps, judged.classes)
    return {
        "pending": [] if state == DOWN else steps,
        "to_revert": [one["name"] for one in steps] if state == DOWN else [],
        "findings": [dataclasses.asdict(finding) for finding in judged.findings],
        "invalid_indexes": judged.invalid_indexes,
        "applied": [],
        "reverted": [],
        "rehearsal": [],
    }


def _rehearsed(ports: Ports, judged: Judged, work: Work) -> list[Rehearsed]:
    """On the copy, which has to be one: what is pending there is what
    is pending here, after what this release has applied here since.

    A release that is run again, after one of its migrations has
    failed, has its copy from the backup before the first of them.
    """
    copy, context = work.server, work.context
    with lock.held(
        copy, f"rehearse {context.params['release']}", context, patience=context.params["lock_patience"]
    ) as session:
        backends.end(session, context)
        _seen, plan = look(ports, context, session, judged.seen.files)
        there, here = [step.name for step in plan.steps], [step.name for step in judged.plan.steps]
        first = len(there) - len(here)
        entries = [judged.seen.ledger.get(name) for name in there[:first]]
        behind = all(entry is None or entry.release == context.params["release"] for entry in entries)
        if there[first:] != here or not behind or plan.problems:
            raise InputError(
                f"rehearse_on: {copy.login.where} is no fresh copy of {ports.server.login.where}; nothing was changed.",
                why=[
                    *plan.problems,
                    f"pending there: {', '.join(there) or 'nothing'}",
                    f"pending here: {', '.join(here)}",
                ],
                then="restore the backup into it anew",
            )
        ports.ledger.create(session)
        try:
            return rehearse(Attempts(ports.engine, work, session), work, plan.steps, ports.engine.tables)
        except Reconnect as exc:
            raise exc.failure from exc
        except ReleaseError as exc:
            exc.what = f"Rehearsal on {copy.login.database}: {exc.what}"
            exc.done = "the database itself was not touched"
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
            f"rehearse_on: found {params['rehearse_on']!r}, which is the database itself; allowed: a copy of it that nobody needs"
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
        "lock_patience": Option("int", 0, low=0),
    },
    connect,
    run,
    {
        **CONSTRAINTS,
        "mutually_exclusive": [*CONSTRAINTS["mutually_exclusive"], ["to", "count"]],
        "required_if": [["state", "rehearsed", ["rehearse_on"]]],
    },
)
