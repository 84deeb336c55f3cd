# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Scratch databases, which are never left behind, not even by a run that is killed.

The user of one holds an advisory lock with its name, on a session to the server's maintenance database. A database of
such a name whose lock nobody holds was left by a killed run, and is dropped.
"""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import typing as t

from ..._common.operation import Context
from .. import lock
from ..session import Server, Session

# It exists on every server (manual, 23.1).
MAINTENANCE = "postgres"
_SINCE_13 = 130000  # DROP DATABASE ... WITH (FORCE)


def quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def new_name(database: str, purpose: str) -> str:
    """As in ``shop_drill_1f3a5c7e``; PostgreSQL cuts names after 63 bytes."""
    return f"{database.encode()[:40].decode(errors='ignore')}_{purpose}_{secrets.token_hex(4)}"


def exists(session: Session, name: str) -> bool:
    return bool(session.rows("SELECT 1 FROM pg_database WHERE datname = %s", [name]))


def drop(session: Session, name: str) -> None:
    version = session.value("SELECT current_setting('server_version_num')::int")
    if version < _SINCE_13:
        session.rows(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()",
            [name],
        )
    session.execute(
        f"DROP DATABASE IF EXISTS {quoted(name)}{' WITH (FORCE)' if version >= _SINCE_13 else ''}"
    )


def create(session: Session, name: str, made_as: t.Mapping[str, t.Any]) -> None:
    """Creates an empty database with the encoding and collation of the one that was backed up."""
    session.execute(
        f"CREATE DATABASE {quoted(name)} TEMPLATE template0 ENCODING {literal(made_as['encoding'])}"
        f" LC_COLLATE {literal(made_as['lc_collate'])} LC_CTYPE {literal(made_as['lc_ctype'])}"
    )


def remark(session: Session, name: str) -> dict[str, t.Any]:
    """Our note in the comment of a database; empty where there is none."""
    found = session.rows(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s", [name]
    )
    try:
        noted = json.loads(found[0][0] if found and found[0][0] else "{}")
    except ValueError:
        return {}
    return t.cast("dict[str, t.Any]", noted.get("runbook.release") or {}) if isinstance(noted, dict) else {}


def note(session: Session, name: str, what: t.Mapping[str, t.Any]) -> None:
    session.execute(f"COMMENT ON DATABASE {quoted(name)} IS {literal(json.dumps({'runbook.release': what}))}")


def sweep(session: Session, database: str, purpose: str, context: Context) -> list[str]:
    """Drops the scratch copies of this database that killed runs have left; returns their names."""
    pattern = re.compile(re.escape(new_name(database, purpose)[:-8]) + "[0-9a-f]{8}")
    left = []
    for (name,) in session.rows("SELECT datname FROM pg_database ORDER BY 1"):
        if (
            pattern.fullmatch(name)
            and not lock.is_held(session, name)
            and remark(session, name).get("kept_until", 0) < context.clock.wall()
        ):
            drop(session, name)
            left.append(name)
    return left


@contextlib.contextmanager
def scratch(
    server: Server,
    database: str,
    purpose: str,
    made_as: t.Mapping[str, t.Any],
    context: Context,
    keep: t.Callable[[], int],
) -> t.Iterator[str]:
    """An empty database while the block runs.

    :param keep: asked after a successful block, for how many seconds the database is kept; 0 drops it at once.
    """
    name, doing = new_name(database, purpose), f"{purpose} of {database}"
    with lock.held(server, doing, context, name=name, database=MAINTENANCE) as session:
        for left in sweep(session, database, purpose, context):
            context.say(f"{left}: dropped; left behind by a run that was killed")
        create(session, name, made_as)
        seconds = 0
        try:
            yield name
            seconds = keep()
            if seconds:
                note(session, name, {"kept_until": round(context.clock.wall()) + seconds})
        finally:
            if not seconds:
                drop(session, name)
