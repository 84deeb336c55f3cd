# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Sqitch (https://sqitch.org): its plan, its scripts, its registry. Changes
are deployed one by one, each in the transaction that its script makes.
"""

from __future__ import annotations

import os
import re
import typing as t

from ...._common.errors import InputError
from ...._common.owner import identity
from ...session import Session
from ..files import Migration, checksum, read, readable, transactional
from ..ledger import Ledger
from ..programs.program_errors import error
from ..sql.statements import split
from ..tables import Table
from .base import DOWN, UP, EngineOptions, KeepsItsTable, MigrationContext, TooLong

_PROJECT = re.compile(r"^%project=(\S+)", re.MULTILINE)
_CHANGE = re.compile(r"^([^\s%@#\[]\S*)", re.MULTILINE)


class SqitchEngine(KeepsItsTable):
    keeps_ledger = False
    runs_sql = False

    def __init__(self, options: EngineOptions, ledger: Ledger) -> None:
        self._src = os.path.abspath(options.src)
        self._program = options.program or "sqitch"
        self._registry = options.table or "sqitch"
        self._changes = Table(f"{self._registry}.changes")
        self.tables = [f"{self._registry}.*"]
        self._project = ""

    def files(self) -> list[Migration]:
        plan = read(os.path.join(self._src, "sqitch.plan"))
        project, names = _PROJECT.search(plan), _CHANGE.findall(plan)
        problems = [
            f"{name}: is reworked; such a plan has to be deployed by sqitch itself"
            for name in sorted({one for one in names if names.count(one) > 1})
        ]
        if not project or problems:
            raise InputError(
                f"src: found {self._src}, whose sqitch.plan is not supported.",
                why=problems or ["it has no %project= line"],
            )
        self._project = project[1]
        return [self._change(name, number) for number, name in enumerate(names, start=1)]

    def _change(self, name: str, number: int) -> Migration:
        deploy, revert = (os.path.join(self._src, way, f"{name}.sql") for way in ("deploy", "revert"))
        up, down = read(deploy), read(revert) if os.path.exists(revert) else None
        return Migration(
            name, (number,), checksum(up), deploy, readable(up), readable(down), down is not None, revert
        )

    def applied(self, session: Session) -> list[str]:
        project = self._project.replace("'", "''")
        return [
            row[0]
            for row in self._changes.rows(
                session,
                f"SELECT change FROM {{}} WHERE project = '{project}' ORDER BY committed_at, planned_at",
            )
        ]

    def problems(self, session: Session) -> list[str]:
        return []

    def run(self, work: MigrationContext, migration: Migration, direction: str) -> t.Sequence[str]:
        whole = (
            migration.transaction
            if direction == UP
            else migration.down is None or transactional(migration.down, split(migration.down))
        )
        who = identity(None)
        environment = {
            **work.login(whole).environment(),
            "SQITCH_FULLNAME": who,
            "SQITCH_EMAIL": who if "@" in who else f"{who}@localhost",
        }
        common = ["--target", "db:pg:", "--registry", self._registry, "--set", "VERBOSITY=verbose"]
        if direction == DOWN:
            arguments = ["revert", *common, "-y", *self._down_to(work, migration)]
        else:
            arguments = [
                "deploy",
                *common,
                "--mode",
                "change",
                "--to-change",
                migration.name,
                "--lock-timeout",
                "10",
            ]
        ended = work.run([self._program, *arguments], environment, self._src, migration, direction)
        if ended.code is None:
            raise TooLong(f"sqitch did not end within the timeout of {work.limits.timeout} s; it was ended.")
        if ended.code:
            raise error("sqitch", ended)
        return ()

    def _down_to(self, work: MigrationContext, migration: Migration) -> list[str]:
        """Without a target sqitch reverts everything there is: only where this is all that there is."""
        with work.server.session() as session:
            there = self.applied(session)
        return ["--to-change", there[-2]] if there[-2:-1] else []
