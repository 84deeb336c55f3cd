# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Does to a real database what the undo of Flyway's Redgate edition does,
as far as our use of its command line goes: its free edition has none.

The contract: FLYWAY_* in the environment, -target and -outputType=json, its history table.
"""

from __future__ import annotations

import json
import os
import sys
import urllib.parse
from pathlib import Path

import psycopg


def main() -> None:
    assert (
        sys.argv[1] == "-outputType=json"
        and sys.argv[3] == "undo"
        and os.environ["FLYWAY_POSTGRESQL_TRANSACTIONAL_LOCK"] == "false"
    )
    version = sys.argv[2].removeprefix("-target=")
    url = urllib.parse.urlsplit(os.environ["FLYWAY_URL"].removeprefix("jdbc:"))
    query = dict(urllib.parse.parse_qsl(url.query))
    table, folder = (
        os.environ["FLYWAY_TABLE"],
        Path(os.environ["FLYWAY_LOCATIONS"].removeprefix("filesystem:")),
    )
    (path,) = folder.glob(f"U{version}__*.sql")
    columns = "installed_rank, version, description, type, script, installed_by, execution_time, success"
    with psycopg.connect(
        host=url.hostname,
        port=url.port,
        dbname=url.path[1:],
        user=os.environ["FLYWAY_USER"],
        password=os.environ["FLYWAY_PASSWORD"],
        options=query["options"],
        application_name=query["ApplicationName"],
    ) as connection:
        connection.execute(path.read_text())
        connection.execute(
            f"INSERT INTO {table} ({columns}) SELECT max(installed_rank) + 1, %s, '', 'UNDO_SQL', %s, current_user, 1, true FROM {table}",
            [version, path.name],
        )
    print(json.dumps({"success": True, "operation": "undo"}))


main()
