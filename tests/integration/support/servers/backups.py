# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The modules of backups as one call each."""

from __future__ import annotations

import typing as t

from tests.integration.support.playbooks.tasks import Ran, Tasks
from tests.integration.support.servers.databases import Database


def backup(tasks: Tasks, database: Database, store: dict[str, t.Any], **more: t.Any) -> Ran:
    return tasks.one("pg_backup", **database.login, **store, **more)


def drill(tasks: Tasks, database: Database, store: dict[str, t.Any], **more: t.Any) -> Ran:
    return tasks.one("pg_restore_drill", **database.login, **store, **more)


def listed(tasks: Tasks, store: dict[str, t.Any]) -> list[dict[str, t.Any]]:
    return t.cast("list[dict[str, t.Any]]", tasks.one("pg_backup_info", **store).result["backups"])
