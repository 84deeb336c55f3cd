# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a database holds, for comparison with a restored copy: rows and a hash of every table, and its objects.

It is read in the snapshot that is dumped. Row counts of live tables prove nothing, because rows are written while
the dump runs.
"""

from __future__ import annotations

import typing as t

from ..session import Session

Content = dict[str, t.Any]

# Tables whose rows a dump holds: not those of extensions, unless an extension
# marked them as its user's configuration (pg_extension_config_dump). Partitions are
# tables; the tables they are partitions of hold nothing.
_TABLES = """
    SELECT c.oid::bigint, quote_ident(n.nspname) || '.' || quote_ident(c.relname), pg_table_size(c.oid)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    WHERE c.relkind = 'r' AND c.relpersistence IN ('p', 'u') AND n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'
      AND (NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e')
           OR EXISTS (SELECT FROM pg_extension e WHERE c.oid = ANY (e.extconfig) AND coalesce(e.extcondition[array_position(e.extconfig, c.oid)], '') = ''))
    ORDER BY 2
"""
# Types whose values hash the same in every database. An enum hashes by its number in
# the catalogue, so it goes by its text; so does every type that is not known here.
_HASHED = [
    *("bool", "bytea", "date", "inet", "cidr", "interval", "jsonb", "macaddr", "uuid"),
    *("int2", "int4", "int8", "numeric", "float4", "float8", "char", "bpchar", "text", "varchar"),
    *("time", "timetz", "timestamp", "timestamptz"),
]
_COLUMNS = """
    SELECT a.attrelid::bigint, quote_ident(a.attname),
        (CASE WHEN t.typtype = 'd' THEN format_type(t.typbasetype, NULL)::regtype::oid ELSE t.oid END)
            IN (SELECT oid FROM pg_type WHERE typname = ANY (%s) AND typnamespace = 'pg_catalog'::regnamespace)
    FROM pg_attribute a JOIN pg_type t ON t.oid = a.atttypid
    WHERE a.attrelid = ANY (%s) AND a.attnum > 0 AND NOT a.attisdropped
    ORDER BY a.attrelid, a.attnum
"""
_OURS = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = {oid} AND d.deptype = 'e')"
_OBJECTS = f"""
    SELECT CASE c.relkind WHEN 'i' THEN 'indexes' WHEN 'I' THEN 'indexes' WHEN 'S' THEN 'sequences' WHEN 'v' THEN 'views' WHEN 'm' THEN 'materialized views'
        WHEN 'p' THEN 'partitioned tables' WHEN 'f' THEN 'foreign tables' ELSE 'tables' END, count(*)
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace LEFT JOIN pg_index x ON x.indexrelid = c.oid AND c.relkind = 'i'
    WHERE c.relkind IN ('r', 'i', 'I', 'S', 'v', 'm', 'p', 'f') AND coalesce(x.indisvalid, true) AND {_OURS.format(oid="c.oid")} GROUP BY 1
    UNION ALL SELECT 'functions', count(*) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OURS.format(oid="p.oid")}
    UNION ALL SELECT 'triggers', count(*) FROM pg_trigger g JOIN pg_class c ON c.oid = g.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
        WHERE NOT g.tgisinternal AND {_OURS.format(oid="c.oid")}
    UNION ALL SELECT 'constraints', count(*) FROM pg_constraint k JOIN pg_namespace n ON n.oid = k.connamespace
        WHERE k.contype <> 'n' AND {_OURS.format(oid="k.oid")}
    UNION ALL SELECT 'large objects', count(*) FROM pg_largeobject_metadata
"""
# pg_dump silently leaves invalid indexes out; the restored copy would lack them.
_INVALID_INDEXES = """
    SELECT i.indexrelid::regclass::text FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid
    WHERE NOT (i.indisvalid AND i.indisready) AND c.relkind = 'i' ORDER BY 1
"""
# Since PostgreSQL 14 a row hashes by the binary form of its
# columns: 2.7 times faster than by its text (measured).
HASH_OF_RECORDS = 140000


class Table(t.NamedTuple):
    name: str
    size: int  # bytes on the disk, without indexes
    query: str  # answers rows and hash


def tables(session: Session, by_record: bool) -> list[Table]:
    """
    :param by_record: whether rows are hashed in their binary form,
        else by their text; both sides of a comparison do the same.
    """
    found = session.rows(_TABLES)
    columns: dict[int, list[str]] = {oid: [] for oid, _name, _size in found}
    for oid, column, hashed in session.rows(_COLUMNS, [_HASHED, list(columns)]):
        columns[oid].append(column if hashed and by_record else f"{column}::text")
    return [Table(name, size, _query(name, columns[oid], by_record)) for oid, name, size in found]


def _query(name: str, columns: t.Sequence[str], by_record: bool) -> str:
    row = f"ROW({', '.join(columns)})"
    value = f"hash_record_extended({row}, 0)" if by_record else f"hashtextextended({row}::text, 0)"
    # A sum does not depend on the order of the rows, and counts a row that is there twice.
    return f"SELECT count(*), coalesce(sum({value if columns else '0'}), 0)::text FROM ONLY {name}"


def read(session: Session, by_record: bool, hashes: bool = True) -> Content:
    """The content as the session's transaction sees it."""
    # A policy would hide rows silently; with this setting the server refuses instead.
    session.execute("SET row_security = off")
    found: dict[str, dict[str, t.Any]] = {}
    for table in tables(session, by_record):
        if hashes:
            ((rows, value),) = session.rows(table.query)
            found[table.name] = {"rows": rows, "hash": value}
        else:
            found[table.name] = {"rows": session.value(f"SELECT count(*) FROM ONLY {table.name}")}
    return {
        "tables": found,
        "objects": dict(session.rows(_OBJECTS)),
        "invalid indexes": [name for (name,) in session.rows(_INVALID_INDEXES)],
    }


def differences(backup: Content, copy: Content) -> list[str]:
    """How a restored copy differs from its backup, one line each; empty when it does not."""
    reasons = []
    live = copy["tables"]
    for name, expected in backup["tables"].items():
        has = live.get(name)
        if has is None:
            reasons.append(f"{name}: the table is missing")
        elif has["rows"] != expected["rows"]:
            reasons.append(f"{name}: has {has['rows']} rows, the backup's snapshot had {expected['rows']}")
        elif has.get("hash") != expected.get("hash") and "hash" in expected:
            reasons.append(
                f"{name}: has as many rows as the backup's snapshot ({expected['rows']}), but their content differs"
            )
    reasons += [
        f"{name}: the table was not in the backup's snapshot" for name in live if name not in backup["tables"]
    ]
    for kind in sorted({*backup["objects"], *copy["objects"]}):
        has_number, number = copy["objects"].get(kind, 0), backup["objects"].get(kind, 0)
        if has_number != number:
            reasons.append(f"{has_number} {kind}, the backup's snapshot had {number}")
    reasons += [
        f"{name}: the index was invalid when the backup was taken, so the backup does not hold it; rebuild it: REINDEX INDEX CONCURRENTLY {name}"
        for name in backup["invalid indexes"]
    ]
    return reasons + [f"{name}: the index is invalid" for name in copy["invalid indexes"]]
