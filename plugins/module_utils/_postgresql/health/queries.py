# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What PostgreSQL says of its own health: one function a
check, each a read of system views. Judged in _health_reasons.
"""

from __future__ import annotations

import re
import typing as t

from ..session import Session

Found = dict[str, t.Any]
_STATEMENT_LENGTH, _CUT = 120, 117
# Comments and quoted names come first, for they may hold an apostrophe that begins no literal.
_TOKEN = re.compile(
    r"""(?P<comment>--[^\n]*|/\*.*?(?:\*/|\Z))|(?P<name>"[^"]*(?:"|\Z))|\$(?P<tag>\w*)\$.*?(?:\$(?P=tag)\$|\Z)"""
    r"""|\b[eE]'(?:\\.|''|[^'\\])*(?:'|\Z)|'(?:''|[^'])*(?:'|\Z)""",
    re.DOTALL,
)
_MANY = 20


def shown(statement: str | None) -> str:
    """A statement of somebody else's session: without its literals, which are passwords and customers' data."""
    text = " ".join(
        _TOKEN.sub(
            lambda token: token["name"] or ("" if token["comment"] else "'...'"), statement or ""
        ).split()
    )
    return text if len(text) <= _STATEMENT_LENGTH else text[:_CUT] + "..."


def server(session: Session) -> Found:
    return _one(
        session,
        "SELECT current_setting('server_version') AS version, pg_is_in_recovery() AS standby, current_database() AS database, current_user AS role,"
        " round(extract(epoch FROM now() - pg_postmaster_start_time()))::bigint AS up_seconds, pg_backend_pid() AS backend,"
        " coalesce((SELECT setting FROM pg_settings WHERE name = 'data_directory'), '') AS data_directory,"
        " pg_has_role('pg_read_all_stats', 'USAGE') AS sees_all",
    )


def connections(session: Session) -> Found:
    found = _one(
        session,
        "SELECT count(*) AS used, count(*) FILTER (WHERE state = 'active' AND pid <> pg_backend_pid()) AS active,"
        " count(*) FILTER (WHERE state LIKE 'idle in transaction%') AS idle_in_transaction,"
        " current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int"
        " - coalesce(current_setting('reserved_connections', true)::int, 0) AS usable"
        " FROM pg_stat_activity WHERE backend_type = 'client backend'",
    )
    limits = _all(
        session,
        "SELECT 'database ' || d.datname AS of, datconnlimit AS usable, count(pid) AS used FROM pg_database d"
        " LEFT JOIN pg_stat_activity a ON a.datid = d.oid AND backend_type = 'client backend' WHERE datconnlimit > 0 GROUP BY 1, 2"
        " UNION ALL SELECT 'role ' || rolname, rolconnlimit, count(pid) FROM pg_roles r"
        " LEFT JOIN pg_stat_activity a ON a.usesysid = r.oid AND backend_type = 'client backend' WHERE rolconnlimit > 0 GROUP BY 1, 2 ORDER BY 1",
    )
    return {**found, "limits": limits}


def transactions(session: Session) -> Found:
    """Those that are open, the oldest first; of a prepared one nobody needs to be connected any more."""
    found = _all(
        session,
        "SELECT pid, coalesce(datname, '') AS database, coalesce(usename, '') AS role, application_name AS application,"
        " coalesce(host(client_addr), '') AS address, state, round(extract(epoch FROM clock_timestamp() - xact_start), 1)::float8 AS seconds,"
        " round(extract(epoch FROM clock_timestamp() - state_change), 1)::float8 AS state_seconds, query"
        " FROM pg_stat_activity WHERE xact_start IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'"
        f" ORDER BY xact_start LIMIT {_MANY}",
    )
    prepared = _all(
        session,
        "SELECT gid AS name, database, owner AS role, round(extract(epoch FROM clock_timestamp() - prepared), 1)::float8 AS seconds"
        f" FROM pg_prepared_xacts ORDER BY prepared LIMIT {_MANY}",
    )
    return {"open": [{**entry, "query": shown(entry["query"])} for entry in found], "prepared": prepared}


def locks(session: Session) -> list[Found]:
    """Who waits for a lock, and who holds it. Columns that older servers lack are asked for by way of JSON."""
    waiting = _all(
        session,
        "SELECT a.pid, coalesce(a.usename, '') AS role, a.application_name AS application, l.mode,"
        " CASE WHEN l.relation IS NOT NULL AND d.datname = current_database() THEN l.relation::regclass::text ELSE l.locktype END AS object,"
        " round(extract(epoch FROM clock_timestamp() - coalesce((to_jsonb(l) ->> 'waitstart')::timestamptz, a.query_start)), 1)::float8 AS seconds,"
        " a.query, pg_blocking_pids(a.pid) AS blocked_by"
        " FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid LEFT JOIN pg_database d ON d.oid = l.database"
        f" WHERE NOT l.granted ORDER BY 6 DESC NULLS LAST LIMIT {_MANY}",
    )
    holders = _all(
        session,
        "SELECT pid, coalesce(usename, '') AS role, application_name AS application, coalesce(state, '') AS state,"
        " round(extract(epoch FROM clock_timestamp() - xact_start), 1)::float8 AS seconds, query FROM pg_stat_activity WHERE pid = ANY(%s)",
        [sorted({pid for entry in waiting for pid in entry["blocked_by"]})],
    )
    known = {entry["pid"]: {**entry, "query": shown(entry["query"])} for entry in holders}
    return [
        {
            **entry,
            "query": shown(entry["query"]),
            "blocked_by": [known.get(pid, {"pid": pid}) for pid in entry["blocked_by"]],
        }
        for entry in waiting
    ]


def replication(session: Session) -> Found:
    if session.value("SELECT pg_is_in_recovery()"):
        return {"role": "standby", **_standby(session)}
    standbys = _all(
        session,
        "SELECT application_name AS name, coalesce(host(client_addr), 'a local socket') AS address, state, sync_state,"
        " coalesce(round(extract(epoch FROM replay_lag), 1), 0)::float8 AS lag_seconds,"
        " pg_wal_lsn_diff(pg_current_wal_lsn(), replay_lsn)::bigint AS lag_bytes FROM pg_stat_replication ORDER BY 1, 2",
    )
    return {
        "role": "primary",
        "standbys": standbys,
        "synchronous": session.value("SELECT current_setting('synchronous_standby_names')"),
    }


def _standby(session: Session) -> Found:
    """Behind by nothing when all that arrived is replayed: on a quiet primary the last commit is old."""
    return _one(
        session,
        "SELECT (SELECT status FROM pg_stat_wal_receiver) AS receiver, pg_is_wal_replay_paused() AS paused,"
        " coalesce(pg_wal_lsn_diff(pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()), 0)::bigint AS lag_bytes,"
        " CASE WHEN pg_last_wal_receive_lsn() = pg_last_wal_replay_lsn() THEN 0"
        " ELSE coalesce(round(extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()), 1), 0) END::float8 AS lag_seconds",
    )


def slots(session: Session) -> list[Found]:
    return _all(
        session,
        "SELECT slot_name AS name, slot_type AS type, active, coalesce(to_jsonb(s) ->> 'wal_status', '') AS wal_status, coalesce(pg_wal_lsn_diff("
        "CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END, restart_lsn), 0)::bigint AS retained_bytes"
        " FROM pg_replication_slots s ORDER BY 1",
    )


def wal(session: Session) -> Found:
    return _one(
        session,
        "SELECT count(*) AS files, coalesce(sum(size), 0)::bigint AS bytes, pg_size_bytes(current_setting('max_wal_size')) AS max_wal_size,"
        " coalesce(pg_size_bytes(current_setting('wal_keep_size', true)), 0) AS wal_keep_size FROM pg_ls_waldir()",
    )


def archiver(session: Session) -> Found:
    return _one(
        session,
        "SELECT current_setting('archive_mode') AS mode, archived_count AS archived, failed_count AS failed,"
        " coalesce(last_archived_wal, '') AS last_archived, coalesce(last_failed_wal, '') AS last_failed,"
        " last_failed_time IS NOT NULL AND last_failed_time > coalesce(last_archived_time, '-infinity') AS failing,"
        " round(extract(epoch FROM clock_timestamp() - last_archived_time))::bigint AS last_archived_seconds FROM pg_stat_archiver",
    )


def indexes(session: Session) -> list[Found]:
    """Those that CREATE INDEX CONCURRENTLY left behind, invalid; IF NOT EXISTS takes them for good ones."""
    return _all(
        session,
        "SELECT i.indexrelid::regclass::text AS name, i.indrelid::regclass::text AS table, p.pid IS NOT NULL AS in_progress"
        " FROM pg_index i LEFT JOIN pg_stat_progress_create_index p ON p.index_relid = i.indexrelid WHERE NOT (i.indisvalid AND i.indisready) ORDER BY 1",
    )


def tables(session: Session, many: int) -> Found:
    largest = _all(
        session,
        "SELECT c.oid::regclass::text AS name, pg_total_relation_size(c.oid) AS bytes, greatest(c.reltuples, 0)::bigint AS rows_estimated,"
        " coalesce(s.n_dead_tup, 0) AS rows_dead FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace"
        " LEFT JOIN pg_stat_all_tables s ON s.relid = c.oid"
        " WHERE c.relkind IN ('r', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_%%'"
        " ORDER BY 2 DESC, 1 LIMIT %s",
        [many],
    )
    return {
        "database_bytes": session.value("SELECT pg_database_size(current_database())"),
        "largest": largest,
    }


def wraparound(session: Session) -> list[Found]:
    """How much of the two thousand million transaction ids the oldest row of a database has used up."""
    return _all(
        session,
        "SELECT datname AS database, round(100.0 * greatest(age(datfrozenxid), mxid_age(datminmxid)) / 2147483647, 1)::float8 AS percent"
        f" FROM pg_database ORDER BY 2 DESC, 1 LIMIT {_MANY}",
    )


def _all(session: Session, sql: str, parameters: t.Sequence[t.Any] = ()) -> list[Found]:
    """The rows as dictionaries; one column of JSON, because the port knows rows only."""
    return [row[0] for row in session.rows(f"SELECT to_jsonb(r) FROM ({sql}) r", parameters)]


def _one(session: Session, sql: str) -> Found:
    (found,) = _all(session, sql)
    return found
