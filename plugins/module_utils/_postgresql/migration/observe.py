# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Reads the files and the database, and plans. Writes nothing, not even the table of the ledger."""

from __future__ import annotations

import dataclasses
import typing as t

from ..session import Session
from . import plan as planning
from .files import Migration, problems_of_sql
from .plan import Observed, Plan
from .ports import Ports
from .request import DOWN, LINT_SKIP, RECORDED, REHEARSED, UP, MigrationRequest
from .sql import classify, indexes, squawk


@dataclasses.dataclass(frozen=True)
class Assessment:
    """A plan, and what lint, classification and checks say about it.

    :ivar version: of the server, as server_version_num.
    :ivar refusals: reasons to change nothing.
    """

    version: int
    seen: Observed
    plan: Plan
    findings: list[squawk.LintFinding]
    classes: list[classify.Class]
    invalid_indexes: list[str]
    refusals: list[str]


def observe(
    ports: Ports,
    session: Session,
    request: MigrationRequest,
    files: t.Sequence[Migration],
    settled: bool = True,
) -> tuple[Observed, Plan]:
    """Reads what is applied and plans; repeated under the lock.

    :param settled: False while the program of an earlier run may still be at work: what the engine's table says then
        is no reason to refuse.
    """
    engine = ports.engine
    seen = Observed(files, engine.applied(session), ports.ledger.read(session))
    if request.state == DOWN:
        plan = planning.down(seen, request.release, request.to, request.count)
    elif request.state == RECORDED:
        plan = planning.recorded(seen, request.to, engine.keeps_ledger)
    else:
        plan = planning.up(seen, request.to, request.count)
    problems = [*(engine.problems(session) if settled else []), *plan.problems]
    if engine.runs_sql and request.state != RECORDED:
        for step in plan.steps:
            problems += problems_of_sql(step)
    return seen, dataclasses.replace(plan, problems=problems)


def assess(
    ports: Ports,
    session: Session,
    request: MigrationRequest,
    files: t.Sequence[Migration],
    settled: bool = True,
) -> Assessment:
    """Plans, lints and classifies."""
    version = int(session.value("SHOW server_version_num"))
    seen, plan = observe(ports, session, request, files, settled)
    invalid = indexes.invalid(session)
    if plan.problems:
        # A plan with problems is not linted or classified.
        return Assessment(version, seen, plan, [], [], invalid, list(plan.problems))
    findings = _lint(ports, request, plan, version)
    classes = [_class(step, findings) for step in plan.steps]
    blocking = [str(finding) for finding in findings if finding.blocks]
    return Assessment(version, seen, plan, findings, classes, invalid, [*_losses(request, plan), *blocking])


def _lint(ports: Ports, request: MigrationRequest, plan: Plan, version: int) -> list[squawk.LintFinding]:
    if request.lint == LINT_SKIP or request.state not in (UP, REHEARSED) or not plan.steps:
        return []
    return squawk.lint(ports.programs, plan.steps, version, request.blocking_rules)


def _class(step: Migration, findings: t.Sequence[squawk.LintFinding]) -> classify.Class:
    rules = [finding.rule for finding in findings if finding.migration == step.name]
    return classify.of(step.name, step.statements if step.is_readable else None, step.reversible, rules)


def _losses(request: MigrationRequest, plan: Plan) -> list[str]:
    """What destroys data for good, unless the user allows that."""
    if request.allow_data_loss or request.state in (RECORDED, REHEARSED):
        return []
    back = request.state == DOWN
    found: list[str] = []
    for step in plan.steps:
        losses = classify.destroys(step.ways_down if back else step.statements)
        # Reverting mostly destroys data; what a program does when it migrates is seen in a rehearsal.
        if back and step.down is None:
            losses = ["a program, which may destroy data"]
        way = "its way down: " if back else ""
        found += [
            f"{step.name}: {way}{loss}; allow_data_loss=true lets it, after a fresh backup" for loss in losses
        ]
    return found
