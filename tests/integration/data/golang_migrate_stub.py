# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does to a real database what golang-migrate does, as far as our use of its command line goes: no binary of it comes by a package registry.

The contract: -path, -database, "up 1", "down 1", "force V"; one row of (version, dirty); PG* variables for what the URL does not say.
"""

from __future__ import annotations

import sys
import urllib.parse
from pathlib import Path

import psycopg


def main() -> None:
    path, database, action, number = Path(sys.argv[2]), sys.argv[4], sys.argv[5], int(sys.argv[6])
    url = urllib.parse.urlsplit(database)
    table = dict(urllib.parse.parse_qsl(url.query))["x-migrations-table"]
    assert not url.password
    with psycopg.connect(host=url.hostname, port=url.port, user=url.username, dbname=url.path[1:], autocommit=True) as connection:
        connection.execute(f"CREATE TABLE IF NOT EXISTS {table} (version bigint NOT NULL PRIMARY KEY, dirty boolean NOT NULL)")
        rows = connection.execute(f"SELECT version, dirty FROM {table}").fetchall()
        at, dirty = rows[0] if rows else (-1, False)
        if action == "force":
            return mark(connection, table, number, False)
        if dirty:
            sys.exit(f"error: Dirty database version {at}. Fix and force version.")
        versions = sorted(int(file.name.partition("_")[0]) for file in path.glob("*.up.sql"))
        target = min(version for version in versions if version > at) if action == "up" else at
        lower = max((version for version in versions if version < at), default=-1)
        (file,) = path.glob(f"{target}_*.{action}.sql")
        mark(connection, table, target if action == "up" else lower, True)
        try:
            connection.execute(file.read_text())
        except psycopg.Error as exc:
            sys.exit(f"error: migration failed: {exc.diag.message_primary} in line 0: {file.read_text()} (details: pq: {exc.diag.message_primary})")
        mark(connection, table, target if action == "up" else lower, False)


def mark(connection: psycopg.Connection, table: str, version: int, dirty: bool) -> None:
    with connection.transaction():
        connection.execute(f"TRUNCATE {table}")
        if version >= 0 or dirty:
            connection.execute(f"INSERT INTO {table} VALUES (%s, %s)", [version, dirty])


main()
