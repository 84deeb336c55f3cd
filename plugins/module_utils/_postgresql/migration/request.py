# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a task asks of a migration, apart from the ports that it works with."""

from __future__ import annotations

import dataclasses
import typing as t

UP, DOWN, REHEARSED, RECORDED = STATES = ("up", "down", "rehearsed", "recorded")
LINT_BLOCK, LINT_REPORT, LINT_SKIP = LINT_MODES = ("block", "report", "skip")


@dataclasses.dataclass(frozen=True)
class MigrationRequest:
    """
    :ivar state: one of STATES.
    :ivar release: the release that the files belong to.
    :ivar to, count: the last migration, and how many at most; None for all.
    :ivar lint: one of LINT_MODES.
    :ivar lint_block: rules of squawk whose findings refuse a migration.
    """

    state: str
    release: str
    to: str | None = None
    count: int | None = None
    lint: str = LINT_BLOCK
    lint_block: t.Sequence[str] = ()
    allow_data_loss: bool = False

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> MigrationRequest:
        return cls(**{field.name: params[field.name] for field in dataclasses.fields(cls)})

    @property
    def goes_back(self) -> bool:
        return self.state == DOWN

    @property
    def blocking_rules(self) -> t.Sequence[str]:
        return self.lint_block if self.lint == LINT_BLOCK else ()


@dataclasses.dataclass(frozen=True)
class Limits:
    """How long things may take: the first two in milliseconds, all others in seconds.

    :ivar lock_timeout: that a statement waits for a lock.
    :ivar statement_timeout: that a statement in a transaction takes; 0 for no limit of its own.
    :ivar timeout: that everything takes.
    :ivar retry_window: within which a migration is tried again.
    :ivar lock_wait_timeout: that another run is waited for.
    """

    lock_timeout: int
    statement_timeout: int
    timeout: int
    retry_window: int
    lock_wait_timeout: int

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> Limits:
        return cls(**{field.name: params[field.name] for field in dataclasses.fields(cls)})
