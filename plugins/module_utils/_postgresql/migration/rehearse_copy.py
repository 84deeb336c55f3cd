# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Rehearses a plan on a copy of the database, and says what the rehearsal proves."""

from __future__ import annotations

import dataclasses
import typing as t

from ..._common.errors import InputError, ReleaseError
from .. import lock
from . import describe
from . import server_sessions as backends
from .attempts import Attempts, Reconnect
from .engines.base import MigrationContext
from .files import readable
from .observe import Assessment, observe
from .plan import Plan
from .ports import Ports
from .programs.orphan import ended_with_controller
from .rehearse import Rehearsal, rehearse
from .request import MigrationRequest
from .sql import classify
from .sql.statements import split


class CopyRehearsal:
    """Rehearses on the copy, after checking that it is one: its pending migrations must be ours, plus those that this
    release has applied since the backup. (A release that runs again after a failure uses the backup from before its
    first migration.)

    :param work: of the copy.
    """

    def __init__(
        self, ports: Ports, work: MigrationContext, request: MigrationRequest, assessment: Assessment
    ) -> None:
        self._ports, self._work, self._request, self._assessment = ports, work, request, assessment

    def run(self) -> dict[str, t.Any]:
        """The values of the result that a rehearsal decides."""
        steps = self._assessment.plan.steps
        with ended_with_controller(self._work.context, self._ports.engine_programs.abandon):
            rehearsals = self._rehearsals()
        ours = rehearsals[len(rehearsals) - len(steps) :]
        classes = reclassified(self._assessment.classes, ours)
        way_back, reasons = proven_way_back(classes, ours)
        return {
            "rehearsal": [one.as_result() for one in rehearsals],
            "pending": describe.pending(steps, classes),
            "way_back": way_back,
            "reasons": reasons,
        }

    def _rehearsals(self) -> list[Rehearsal]:
        work, engine = self._work, self._ports.engine
        purpose, wait_timeout = f"rehearse {self._request.release}", work.limits.lock_wait_timeout
        with lock.held(work.server, purpose, work.context, wait_timeout=wait_timeout) as session:
            backends.end(session, work.context)
            _seen, plan = observe(self._ports, session, self._request, self._assessment.seen.files)
            self._check_copy(plan)
            self._ports.ledger.create(session)
            try:
                return rehearse(Attempts(engine, work, session), work, plan.steps, engine.tables)
            except Reconnect as exc:
                raise exc.failure from exc
            except ReleaseError as exc:
                exc.what = f"Rehearsal on {work.server.login.database}: {exc.what}"
                exc.done = "the database itself was not changed"
                raise

    def _check_copy(self, plan: Plan) -> None:
        on_copy = [step.name for step in plan.steps]
        here = [step.name for step in self._assessment.plan.steps]
        earlier = on_copy[: len(on_copy) - len(here)]
        entries = [self._assessment.seen.ledger.get(name) for name in earlier]
        of_release = all(entry is None or entry.release == self._request.release for entry in entries)
        if [*earlier, *here] != on_copy or not of_release or plan.problems:
            copy, live = self._work.server.login.where, self._ports.server.login.where
            raise InputError(
                f"rehearse_on: {copy} is not a fresh copy of {live}; nothing was changed.",
                why=[
                    *plan.problems,
                    f"pending there: {', '.join(on_copy) or 'nothing'}",
                    f"pending here: {', '.join(here)}",
                ],
                then="restore the backup into it again",
            )


def reclassified(
    classes: t.Sequence[classify.Class], rehearsals: t.Sequence[Rehearsal]
) -> list[classify.Class]:
    """Classifies what programs do by the SQL that they ran in the rehearsal."""
    return [_reclassified(one, rehearsal) for one, rehearsal in zip(classes, rehearsals)]


def _reclassified(one: classify.Class, rehearsal: Rehearsal) -> classify.Class:
    sql = ";\n".join(rehearsal.up.statements)
    if one.kind != classify.UNKNOWN or not readable(sql):
        return one
    return classify.of(one.name, split(sql), one.reversible)


def proven_way_back(
    classes: t.Sequence[classify.Class], rehearsals: t.Sequence[Rehearsal]
) -> tuple[str, list[str]]:
    """The way back after a rehearsal. A way down that does not restore the schema does not count."""
    restored = {one.up.name: one.restored for one in rehearsals}
    proven = [dataclasses.replace(one, reversible=one.reversible and restored[one.name]) for one in classes]
    way, reasons = classify.way_back(proven)
    failed = [one.up.name for one in rehearsals if one.difference]
    return way, [*reasons, *(f"{name}: its way down does not restore the schema" for name in failed)]
