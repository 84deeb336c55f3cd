# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does to a real database what Flyway does, as far as our use of its command line goes: no binary of it comes by a package registry.

The contract: FLYWAY_* in the environment, -target and -outputType=json, its history table, its document for a failure.
"""

from __future__ import annotations

import json
import os
import re
import sys
import urllib.parse
from pathlib import Path

import psycopg

HISTORY = """
    CREATE TABLE IF NOT EXISTS {} (installed_rank int PRIMARY KEY, version varchar(50), description varchar(200), type varchar(20), script varchar(1000),
    checksum int, installed_by varchar(100), installed_on timestamp DEFAULT now(), execution_time int, success boolean)
"""


def main() -> None:
    target = next(argument.partition("=")[2] for argument in sys.argv if argument.startswith("-target="))
    assert "-outputType=json" in sys.argv and os.environ["FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK"] == "false"
    url = urllib.parse.urlsplit(os.environ["FLYWAY_URL"].removeprefix("jdbc:"))
    query = dict(urllib.parse.parse_qsl(url.query))
    with psycopg.connect(
        host=url.hostname,
        port=url.port,
        dbname=url.path[1:],
        user=os.environ["FLYWAY_USER"],
        password=os.environ["FLYWAY_PASSWORD"],
        options=query["options"],
        application_name=query["ApplicationName"],
        autocommit=True,
    ) as connection:
        table, folder = os.environ["FLYWAY_TABLE"], Path(os.environ["FLYWAY_LOCATIONS"].removeprefix("filesystem:"))
        connection.execute(HISTORY.format(table))
        undo = sys.argv[-1] == "undo"
        for path in sorted(folder.glob(f"{'U' if undo else 'V'}*.sql")):
            version = re.match(r"[UV]([\d._]+)__", path.name)[1].replace("_", ".")
            done = connection.execute(f"SELECT count(*) FROM {table} WHERE version = %s AND type = 'SQL'", [version]).fetchone()[0]
            if (undo and version == target) or (not undo and not done and tuple(map(int, version.split("."))) <= tuple(map(int, target.split(".")))):
                apply(connection, table, path, version, "UNDO_SQL" if undo else "SQL")
    print(json.dumps({"success": True, "operation": sys.argv[-1]}))


def apply(connection: psycopg.Connection, table: str, path: Path, version: str, kind: str) -> None:
    try:
        with connection.transaction():
            connection.execute(path.read_text())
            connection.execute(
                f"INSERT INTO {table} (installed_rank, version, type, script, success)"
                f" SELECT coalesce(max(installed_rank), 0) + 1, %s, %s, %s, true FROM {table}",
                [version, kind, path.name],
            )
    except psycopg.Error as exc:
        print(json.dumps({"error": {"errorCode": "FAULT", "sqlState": exc.sqlstate, "sqlErrorCode": 0, "message": f"Migration {path.name} failed\n{exc}"}}))
        sys.exit(1)


main()
