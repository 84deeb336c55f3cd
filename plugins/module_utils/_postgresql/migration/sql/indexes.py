# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Indexes that CREATE INDEX CONCURRENTLY left behind unfinished: every write
pays for them, no query uses them, and IF NOT EXISTS skips them in silence.
"""

from __future__ import annotations

from ...session import Session

# Leaves out indexes that a running CREATE INDEX is still building.
_INVALID = """
    SELECT format('%I.%I', n.nspname, c.relname) FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE NOT i.indisvalid AND c.relkind = 'i' AND NOT EXISTS (SELECT FROM pg_stat_progress_create_index p WHERE p.index_relid = i.indexrelid) ORDER BY 1
"""
# An index is made in the schema of its table; both are found the way CREATE INDEX itself does.
_OF = """
    SELECT format('%%I.%%I', n.nspname, c.relname), i.indisvalid FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace WHERE i.indrelid = to_regclass(%s) AND c.relname = %s
"""


def invalid(session: Session) -> list[str]:
    return [row[0] for row in session.rows(_INVALID)]


def clear(session: Session, table: str, name: str) -> str:
    """Drops an invalid index that an interrupted statement has left behind.

    :param table: quoted, with its schema where one is written.
    :param name: of the index, as the server keeps it.
    :return: the full name of the dropped index, or nothing.
    """
    for full, valid in session.rows(_OF, [table, name]):
        if not valid:
            session.execute(f"DROP INDEX CONCURRENTLY {full}")
            return str(full)
    return ""


def is_there(session: Session, table: str, name: str) -> bool:
    """Whether the index is there and whole."""
    return any(valid for _full, valid in session.rows(_OF, [table, name]))
