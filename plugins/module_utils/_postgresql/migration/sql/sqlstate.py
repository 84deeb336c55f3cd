# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a refusal of PostgreSQL means for a migration: try again,
connect again, or stop. By SQLSTATE, never by text (manual, appendix A).
"""

from __future__ import annotations

import typing as t

RETRY, RECONNECT, STOP = "retry", "reconnect", "stop"


class Reaction(t.NamedTuple):
    """
    :ivar kind: RETRY: nothing was changed and the same may work in a moment. RECONNECT: first read again
        what was changed. STOP: it will not get well.
    :ivar name: of the class, for people and for conditions in playbooks.
    :ivar advice: what to do about it.
    """

    kind: str
    name: str
    advice: str


_CONNECTION = "check that the server runs and that max_connections is not exhausted, then run this again; what is applied is not applied twice"
_HALF = "an earlier run was interrupted between statements: compare the object with the file; finish it by hand, or drop it, and run this again"
_CODES = {
    "55P03": Reaction(
        RETRY,
        "lock_timeout",
        "end the transactions that are in the way, or run this again with a longer retry_window",
    ),
    "40P01": Reaction(RETRY, "deadlock", "run this again when there is less load"),
    "40001": Reaction(RETRY, "serialization_failure", "run this again when there is less load"),
    "53300": Reaction(RECONNECT, "too_many_connections", _CONNECTION),
    "57P01": Reaction(RECONNECT, "admin_shutdown", _CONNECTION),
    "57P02": Reaction(RECONNECT, "crash_shutdown", _CONNECTION),
    "57P03": Reaction(RECONNECT, "cannot_connect_now", _CONNECTION),
    "57014": Reaction(
        STOP,
        "statement_timeout",
        "the work itself is too slow: do it in batches, or raise statement_timeout or timeout after a rehearsal",
    ),
    "23502": Reaction(
        STOP, "not_null_violation", "fill the column of the existing rows before it becomes NOT NULL"
    ),
    "23503": Reaction(
        STOP,
        "foreign_key_violation",
        "fix the rows whose reference does not exist; add the constraint as NOT VALID, then VALIDATE CONSTRAINT",
    ),
    "23505": Reaction(STOP, "unique_violation", "remove the duplicate rows"),
    "23514": Reaction(
        STOP,
        "check_violation",
        "fix the rows that violate the constraint; add the constraint as NOT VALID, then VALIDATE CONSTRAINT",
    ),
    "42P07": Reaction(STOP, "already_exists", _HALF),
    "42701": Reaction(STOP, "already_exists", _HALF),
    "42710": Reaction(STOP, "already_exists", _HALF),
    "42601": Reaction(STOP, "syntax_error", "fix the file; a rehearsal finds this before a release"),
    "42P01": Reaction(
        STOP,
        "undefined_object",
        "fix the file, or the order of the files; a rehearsal finds this before a release",
    ),
    "42703": Reaction(
        STOP,
        "undefined_object",
        "fix the file, or the order of the files; a rehearsal finds this before a release",
    ),
    "42704": Reaction(
        STOP,
        "undefined_object",
        "fix the file, or the order of the files; a rehearsal finds this before a release",
    ),
    "42501": Reaction(
        STOP, "insufficient_privilege", "migrate as the owner of the objects, or grant what is missing"
    ),
    "25001": Reaction(
        STOP,
        "not_in_a_transaction",
        "put the statement into a migration of its own that runs without a transaction",
    ),
    "53100": Reaction(STOP, "disk_full", "free disk space on the server first"),
    "25P03": Reaction(
        STOP, "idle_in_transaction", "the migration left its transaction idle: fix what it waits for"
    ),
    "25P02": Reaction(
        STOP,
        "failed_transaction",
        "an earlier statement of the migration failed and its error was swallowed: fix that",
    ),
}
# By the class, the first two characters, where the condition itself says no more.
_CLASSES = {
    "08": Reaction(RECONNECT, "connection_lost", _CONNECTION),
    "22": Reaction(STOP, "bad_data", "fix the rows, or the expression, that cannot be converted"),
    "23": Reaction(STOP, "constraint_violation", "fix the rows that violate the constraint"),
    "28": Reaction(STOP, "not_let_in", "check login_user and login_password"),
    "42": Reaction(STOP, "syntax_error", "fix the file; a rehearsal finds this before a release"),
    "53": Reaction(STOP, "out_of_resources", "give the server the missing resource first"),
    "XX": Reaction(STOP, "internal_error", "check the server's log; its data may be damaged"),
}
# psycopg has no code for a connection that was refused or broke off.
LOST = _CLASSES["08"]
_UNKNOWN = Reaction(STOP, "error", "fix the migration; a rehearsal finds this before a release")


def reaction(sqlstate: str) -> Reaction:
    return _CODES.get(sqlstate) or _CLASSES.get(sqlstate[:2]) or _UNKNOWN
