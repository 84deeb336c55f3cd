# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Reads what is there and says what is to be done about it.
Writes nothing, not even a table to keep notes in.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.operation import Context
from ..session import Session
from . import plan as planning
from .files import Migration, problems_of_sql
from .plan import DOWN, RECORDED, REHEARSED, UP, Observed, Plan
from .ports import Ports
from .sql import classify, indexes, squawk


@dataclasses.dataclass(frozen=True)
class Assessment:
    """A plan, and what there is to say about it.

    :ivar version: of the server, as server_version_num.
    :ivar refusals: every reason to change nothing.
    """

    version: int
    seen: Observed
    plan: Plan
    findings: list[squawk.LintFinding]
    classes: list[classify.Class]
    invalid_indexes: list[str]
    refusals: list[str]


def observe(
    ports: Ports, context: Context, session: Session, files: t.Sequence[Migration], settled: bool = True
) -> tuple[Observed, Plan]:
    """The plan alone: what is read again under the lock.

    :param settled: what an engine says against a run counts; not while
        the program of an earlier run is at work, which it may speak of.
    """
    params, engine = context.params, ports.engine
    seen = Observed(files, engine.applied(session), ports.ledger.read(session))
    state, to, count = params["state"], params["to"], params["count"]
    if state == DOWN:
        plan = planning.down(seen, params["release"], to, count)
    elif state == RECORDED:
        plan = planning.recorded(seen, to, engine.keeps_ledger)
    else:
        plan = planning.up(seen, to, count)
    unreadable = (
        [problem for step in plan.steps for problem in problems_of_sql(step)]
        if engine.runs_sql and state != RECORDED
        else []
    )
    against = engine.problems(session) if settled else []
    return seen, dataclasses.replace(plan, problems=[*against, *plan.problems, *unreadable])


def assess(
    ports: Ports, context: Context, session: Session, files: t.Sequence[Migration], settled: bool = True
) -> Assessment:
    version = int(session.value("SHOW server_version_num"))
    seen, plan = observe(ports, context, session, files, settled)
    # What cannot be taken as it is is not looked at any closer.
    sound = not plan.problems
    findings = _lint(ports, context, plan, version) if sound else []
    classes = [_class(ports, step, findings) for step in plan.steps] if sound else []
    refusals = [
        *plan.problems,
        *(_losses(context, plan) if sound else []),
        *(str(finding) for finding in findings if finding.blocks),
    ]
    return Assessment(version, seen, plan, findings, classes, indexes.invalid(session), refusals)


def _lint(ports: Ports, context: Context, plan: Plan, version: int) -> list[squawk.LintFinding]:
    lint = context.params["lint"]
    if lint == "skip" or context.params["state"] not in (UP, REHEARSED) or not plan.steps:
        return []
    return squawk.lint(
        ports.programs, plan.steps, version, context.params["lint_block"] if lint == "block" else []
    )


def _class(ports: Ports, step: Migration, findings: t.Sequence[squawk.LintFinding]) -> classify.Class:
    rules = [finding.rule for finding in findings if finding.migration == step.name]
    return classify.of(step.name, step.statements if step.is_readable else None, step.reversible, rules)


def _losses(context: Context, plan: Plan) -> list[str]:
    """What of the data would be gone for good, where nobody has said that it may."""
    if context.params["allow_data_loss"] or context.params["state"] in (RECORDED, REHEARSED):
        return []
    back = context.params["state"] == DOWN
    found = []
    for step in plan.steps:
        losses = classify.destroys(step.ways_down if back else step.statements)
        if (
            back and step.down is None
        ):  # backwards most things are lost; forwards a rehearsal shows what a program does
            losses = ["a program, which may destroy data"]
        found += [
            f"{step.name}: {'its way down: ' if back else ''}{loss}; allow_data_loss=true lets it, after a fresh backup"
            for loss in losses
        ]
    return found
