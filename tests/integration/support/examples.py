# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The EXAMPLES of a module, with the sandbox's names in place of the documentation's."""

from __future__ import annotations

import typing as t

import yaml

from tests.unit.collection import _docs

# Those that need servers of a test's own, in an order that works: run beside their other tests.
BACKUP = ("pg_backup", "pg_restore_drill", "pg_backup_info", "pg_restore", "pg_backup_prune")
HEALTH = ("pg_health_info", "redis_health_info", "service_info")
PGBACKREST = ("pgbackrest_stanza", "pgbackrest_backup", "pgbackrest_info", "pgbackrest_drill")
OTHERS = ("rds_snapshot", "pg_migrate")


def examples(module: str, names: dict[str, str]) -> list[dict[str, t.Any]]:
    text = _docs.documentation()["module"][f"{_docs.NAME}.{module}"]["examples"]
    for documented, ours in names.items():
        text = text.replace(documented, ours)
    return t.cast("list[dict[str, t.Any]]", yaml.safe_load(text))
