# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Folders of migrations for one test, and the tasks that run them."""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
import typing as t
from pathlib import Path

import psycopg

from tests.integration.support.playbooks.runner import PlaybookRunner, ansible_environment
from tests.integration.support.playbooks.tasks import Ran, Task, Tasks
from tests.integration.support.waiting import wait_for, wait_for_none

FIRST = "CREATE TABLE wallet (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, owner text NOT NULL);\nINSERT INTO wallet (owner) VALUES ('a'), ('b');\n"


def tasks_in(folder: Path) -> Tasks:
    """Without a cluster."""
    folder.mkdir()
    return Tasks("", PlaybookRunner(ansible_environment()), folder)


class Folder:
    """Of migrations in plain SQL, on a database that has the first of them."""

    def __init__(self, path: Path, database: t.Any, tasks: Tasks) -> None:
        self.path, self.database, self.tasks = path, database, tasks
        path.mkdir()
        self.add({"20261120080000_wallet.sql": FIRST})

    def add(self, files: dict[str, str]) -> None:
        for name, text in files.items():
            (self.path / name).write_text(text)

    def task(self, **options: t.Any) -> Task:
        return {
            "runbook.release.pg_migrate": {
                **self.database.login,
                "src": str(self.path),
                "release": "2.4.0",
                **options,
            }
        }

    def run(self, more: t.Sequence[str] = (), **options: t.Any) -> Ran:
        return self.tasks.run(self.task(**options), more=more)

    def connect(self: t.Any) -> psycopg.Connection[t.Any]:
        login = self.database.login
        return psycopg.connect(
            host=login["login_host"],
            port=login["login_port"],
            user=login["login_user"],
            password=login["login_password"],
            dbname=login["database"],
        )


def working(folder: t.Any) -> int:
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND application_name LIKE 'runbook.release migrating%'"
    return int(folder.database.psql(f"{sql} AND state = 'active'"))


def seconds_until_gone_after_kill_9(folder: t.Any) -> float:
    """Kills the controller of a migration at work, with all of its group; when its last session has ended."""
    running = folder.tasks.start(folder.task(statement_timeout=0))
    wait_for(lambda: working(folder) == 1)
    os.killpg(running.pid, signal.SIGKILL)
    running.wait()
    began = time.monotonic()
    wait_for_none(folder.database.sessions)
    return time.monotonic() - began


@contextlib.contextmanager
def reader_in_the_way(folder: t.Any, seconds: float, name: str = "reader") -> t.Iterator[None]:
    """A transaction that has read the table wallet, and ends
    that long after somebody was first held up by it.
    """
    sql = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"

    def end() -> None:
        wait_for(lambda: folder.database.psql(sql) != "0", 60)
        over.wait(seconds)
        reading.rollback()

    with folder.connect() as reading:
        reading.execute(f"SET application_name = '{name}'")
        reading.execute("SELECT count(*) FROM wallet")  # holds ACCESS SHARE until its transaction ends
        over, ending = threading.Event(), threading.Thread(target=end)
        ending.start()
        yield
        ending.join()
