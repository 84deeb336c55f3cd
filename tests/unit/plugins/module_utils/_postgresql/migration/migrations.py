# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""What tests make migrations, ledgers and contexts of."""

from __future__ import annotations

import contextlib
import itertools
import typing as t

from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.login import Login
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.base import (
    EngineOptions,
    MigrationContext,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.files import (
    Migration,
    checksum,
    version,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.ledger import Entry
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.plan import Observed
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.request import (
    Limits,
    MigrationRequest,
)

LIMITS = {
    "lock_timeout": 500,
    "statement_timeout": 60000,
    "timeout": 1800,
    "retry_window": 60,
    "lock_wait_timeout": 0,
}
PARAMS: dict[str, t.Any] = {
    "release": "2.4.0",
    "state": "up",
    "to": None,
    "count": None,
    **LIMITS,
    "lint": "block",
    "lint_block": [],
    "allow_data_loss": False,
    "rehearse_on": None,
    "database": "shop",
    "table": None,
    "program": None,
    "migrations_dir": None,
    "job": None,
}


def migration(
    name: t.Any, up: str | None = "CREATE TABLE a (b int)", down: str | None = "DROP TABLE a", **more: t.Any
) -> t.Any:
    return Migration(
        name,
        version(name),
        checksum(up or ""),
        f"/m/{name}.sql",
        up,
        down,
        down is not None,
        f"/m/{name}.down.sql",
        **more,
    )


def entry(
    one: t.Any, release: str = "2.3.0", finished: bool = True, statements: int = 1, sha256: t.Any = None
) -> t.Any:
    return Entry(one.name, sha256 or one.sha256, release, finished, statements)


def observed(files: t.Any, applied: t.Any, **changed: t.Any) -> t.Any:
    """With a ledger that agrees with what is applied, but for ``changed``."""
    ledger = {one.name: entry(one) for one in applied}
    ledger.update(changed)
    return Observed(
        files, [one.name for one in applied], {name: item for name, item in ledger.items() if item}
    )


def context(lines: t.Any = None, **params: t.Any) -> t.Any:
    """Whose clock goes on by what is slept, and by a hundredth of a second with each look at it."""
    passed = [0.0]
    ticks = itertools.count()

    def sleep(seconds: t.Any) -> None:
        passed[0] += seconds

    clock = Clock(now=lambda: passed[0] + next(ticks) / 100, sleep=sleep, wall=lambda: 0.0)
    return Context({**PARAMS, **params}, clock=clock, show=(lines if lines is not None else []).append)


class Rows:
    """A session on a database that has one table, with these rows, or none."""

    def __init__(self, *rows: t.Any) -> None:
        self.table = list(rows)

    def value(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return bool(self.table)

    def rows(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return self.table


class Programs:
    """Ends each program as told; keeps how it was called."""

    def __init__(self, *endings: t.Any) -> None:
        self.endings, self.asked = list(endings), list[tuple[list[str], dict[str, str]]]()

    def run(
        self, arguments: t.Any, environment: t.Any, folder: t.Any, seconds: t.Any, doing: t.Any = None
    ) -> t.Any:
        self.asked.append((list(arguments), dict(environment)))
        return self.endings.pop(0)

    def path(self, path: t.Any) -> t.Any:
        return path

    def login(self, login: t.Any) -> t.Any:
        return login


class Server:
    """Gives the same session to everybody."""

    def __init__(self, session: t.Any = None, **parameters: t.Any) -> None:
        self.given = session
        self.login = Login(
            {
                "host": "db",
                "port": "5432",
                "user": "release",
                "password": "s3cret-s3cret",
                "dbname": "shop",
                **parameters,
            }
        )

    @contextlib.contextmanager
    def session(self, database: str = "", options: t.Any = None, name: str = "") -> t.Iterator[t.Any]:
        yield self.given


def options(src: str = "/m", **given: t.Any) -> t.Any:
    return EngineOptions(**{"src": str(src), "release": "2.4.0", **given})


def request(**given: t.Any) -> t.Any:
    return MigrationRequest(**{"state": "up", "release": "2.4.0", **given})


def limits(**given: t.Any) -> t.Any:
    return Limits(**{**LIMITS, **given})


def work(programs: t.Any, session: t.Any = None, **given: t.Any) -> t.Any:
    return MigrationContext(
        Server(session),
        programs,
        context(),
        "runbook.release migrating 2.4.0",
        lambda: 60.0,
        150018,
        limits(**given),
    )
