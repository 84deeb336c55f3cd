# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Sessions on the server: those that a killed run has left, and those that block a migration."""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context
from ..._common.owner import identity
from ..session import NAME_LENGTH, DatabaseError, Session

# The application_name of sessions that migrate begins so. Sessions that hold, or wait for, the lock have other names:
# the holder of the lock may end all of these.
_WORKING = "runbook.release migrating"
_GONE_WITHIN = 5.0
_LEFT = """
    SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND starts_with(application_name, %s) AND pid <> pg_backend_pid()
"""
_IN_THE_WAY = """
    SELECT DISTINCT b.pid, b.application_name, b.usename, b.state, extract(epoch FROM clock_timestamp() - b.xact_start)::int
    FROM pg_stat_activity a, unnest(pg_blocking_pids(a.pid)) AS blocking JOIN pg_stat_activity b ON b.pid = blocking
    WHERE a.datname = current_database() AND a.application_name = %s AND a.wait_event_type = 'Lock'
"""


def working_name(release: str, context: Context) -> str:
    return f"{_WORKING} {release} {identity(context.controller).partition(' since ')[0]}"[:NAME_LENGTH]


def end(session: Session, context: Context, name: str = _WORKING) -> int:
    """Ends the sessions of a run that is gone, which the lock proves. Returns how many there were."""
    left = [row[0] for row in session.rows(_LEFT, [name])]
    for pid in left:
        context.say(f"ending backend {pid}, left behind by a runner that no longer exists")
        try:
            session.execute("SELECT pg_terminate_backend(%s)", [pid])
        except DatabaseError as exc:
            raise ReleaseError(
                f"Backend {pid} of a runner that no longer exists is still working and cannot be ended.",
                why=[str(exc)],
                then=f"as its user: SELECT pg_terminate_backend({pid})",
            ) from exc
    began = context.clock.now()
    while left and session.rows(_LEFT, [name]):
        if context.clock.now() - began > _GONE_WITHIN:
            raise ReleaseError(
                "Backends of a runner that no longer exists do not end.",
                then="check pg_stat_activity, and wait until they are gone",
            )
        context.clock.sleep(0.1)
    return len(left)


class BlockerMonitor:
    """Watches for sessions that block a migration while it runs, over the session that holds the lock, which is idle.

    :ivar seen: descriptions of blockers by their process id.
    """

    def __init__(self, session: Session, context: Context, name: str, every: float) -> None:
        self._session, self._context, self._name, self._every = session, context, name, every
        self.seen: dict[int, str] = {}

    @contextlib.contextmanager
    def watching(self) -> t.Iterator[None]:
        self.seen.clear()
        over = threading.Event()
        thread = threading.Thread(target=self._watch, args=(over,), daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def _watch(self, over: threading.Event) -> None:
        while not over.wait(self._every):
            try:
                rows = self._session.rows(_IN_THE_WAY, [self._name])
            except ReleaseError:  # the run itself notices it before its next step
                return
            for pid, application, user, state, seconds in rows:
                blocker = f"backend {pid} ({application or 'without a name'}, user {user}) holds a blocking lock: {state}, its transaction is {seconds} s old"
                if pid not in self.seen:
                    self._context.say(blocker)
                self.seen[pid] = blocker
