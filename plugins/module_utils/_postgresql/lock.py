# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The lock of a database: one migration, backup or restore at a time.

Migrations and backups share it because a dump holds ACCESS SHARE on every table, and an old snapshot: DDL would queue
behind it with all readers behind the DDL, and CREATE INDEX CONCURRENTLY would wait for it. The lock belongs to a
session of its own outside a transaction, and is requested by polling: a session that waits inside pg_advisory_lock()
holds a snapshot, which blocks CREATE INDEX CONCURRENTLY for ever (flyway issue 1654). The server releases the lock
when the session's process dies, whatever the cause.
"""

from __future__ import annotations

import contextlib
import hashlib
import typing as t

from .._common.errors import Conflict
from .._common.operation import Context
from .._common.owner import identity
from .session import NAME_LENGTH, Server, Session

POLL_SECONDS = 0.5
_HOLDER = """
    SELECT a.application_name, coalesce(host(a.client_addr), 'a local socket'), a.pid, extract(epoch FROM now() - a.backend_start)::int
    FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
    WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1 AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
      AND (l.classid::bigint << 32 | l.objid::bigint) = %s::bigint
"""


def key(name: str) -> int:
    """The number of a named lock: 63 bits of a hash, never negative."""
    return int.from_bytes(hashlib.sha256(f"runbook.release:{name}".encode()).digest()[:8], "big") >> 1


def holder_name(doing: str, context: Context) -> str:
    """The name that others see, as in ``runbook.release migrate 2.4.0 deploy@runner-7 pid 4242``."""
    return f"runbook.release {doing} {identity(context.controller).partition(' since ')[0]}"[:NAME_LENGTH]


@contextlib.contextmanager
def held(
    server: Server,
    doing: str,
    context: Context,
    *,
    wait_timeout: float = 0,
    name: str = "database",
    database: str = "",
) -> t.Iterator[Session]:
    """Holds the lock while the block runs.

    :param doing: what it is held for, which others can read.
    :param wait_timeout: seconds to wait for its holder.
    :param name: of the lock; the default is for work on the database as a whole.
    """
    with server.session(database, name=holder_name(doing, context)) as session:
        number, began, reported = key(name), context.clock.now(), False
        while not session.value("SELECT pg_try_advisory_lock(%s)", [number]):
            who = holder(session, number)
            if context.clock.now() - began >= wait_timeout:
                raise Conflict(
                    f"{server.login.to(database).where}: another run holds the lock of this database.",
                    why=[who or "its holder has just ended"],
                    done=f"waited {round(context.clock.now() - began)} s, changed nothing",
                    then="wait for it to end and run this again; to end it: SELECT pg_terminate_backend(PID)",
                )
            if who and not reported:
                context.say(f"waiting for the lock of the database: {who}")
                reported = True
            context.clock.sleep(POLL_SECONDS)
        yield session


def holder(session: Session, number: int) -> str:
    for application, address, pid, since in session.rows(_HOLDER, [number]):
        return f"{application} from {address}, backend {pid}, connected for {since} s"
    return ""


def is_held(session: Session, name: str) -> bool:
    return bool(holder(session, key(name)))
