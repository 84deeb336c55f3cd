# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil
import subprocess

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.sql.statements import (
    Unreadable,
    split,
)

TRICKY = r"""-- a remark; with a semicolon
CREATE TABLE a (b text DEFAULT ';' /* nested /* comment; */ still; */);
INSERT INTO a VALUES ('it''s; fine'), (E'back\'slash;'), ($$dollar; $1 $$), ($x$ $$ ; $x$), (U&'\0441;');
CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $body$ BEGIN RETURN 1; END; $body$;
CREATE OR REPLACE FUNCTION g(i int) RETURNS int LANGUAGE sql BEGIN ATOMIC SELECT CASE WHEN i > 0 THEN 1 END; SELECT i; END;
CREATE RULE r AS ON INSERT TO a DO ALSO (SELECT 1; SELECT 2);
SELECT "a;b", a$b, $1 FROM "we""ird; name";;
ALTER TABLE s.t  ADD COLUMN "X" int -- the end
"""


def test_it_cuts_where_psql_cuts():
    found = split(TRICKY)
    assert [(one.line, one.words.split("(")[0].strip()) for one in found] == [
        (2, "CREATE TABLE A"),
        (3, "INSERT INTO A VALUES"),
        (4, "CREATE FUNCTION F"),
        (5, "CREATE OR REPLACE FUNCTION G"),
        (6, "CREATE RULE R AS ON INSERT TO A DO ALSO"),
        (7, 'SELECT "a;b", A$B, $ 1 FROM "we""ird; name"'),
        (8, 'ALTER TABLE S.T ADD COLUMN "X" INT'),
    ]
    assert found[0].text.startswith("-- a remark") and found[-1].text.endswith("-- the end")
    assert split(" -- nothing\n;; /* at all */") == []


@pytest.mark.skipif(not shutil.which("squawk"), reason="squawk is not here")
def test_squawk_sees_the_same_statements(tmp_path):
    """Its parser is PostgreSQL's grammar, ours only looks for the ends."""
    (tmp_path / "tricky.sql").write_text(TRICKY)
    told = subprocess.run(
        ["squawk", "--debug=ast", str(tmp_path / "tricky.sql")], capture_output=True, text=True, check=False
    ).stdout
    kinds = [one["type"] for one in json.loads(told)["stmts"] if one["type"] != "EMPTY_STMT"]
    assert kinds == [
        "CREATE_TABLE",
        "INSERT",
        "CREATE_FUNCTION",
        "CREATE_FUNCTION",
        "CREATE_RULE",
        "SELECT",
        "ALTER_TABLE",
    ]
    assert [one.words.split()[0] for one in split(TRICKY)] == [kind.partition("_")[0] for kind in kinds]


@pytest.mark.parametrize(
    "text",
    [
        "SELECT 'open",
        'SELECT "open',
        "SELECT $$ open",
        "/* open /* */",
        "\\connect other",
        "SELECT 1 \\gexec",
    ],
)
def test_what_cannot_be_read_is_told_with_its_line(text):
    with pytest.raises(Unreadable, match="line 2: "):
        split(f"SELECT 1;\n{text}")


@pytest.mark.parametrize(
    ("sql", "alone"),
    [
        ("create unique index concurrently if not exists i on a (b)", True),
        ("CREATE /* x */ INDEX CONCURRENTLY ON a (b)", True),
        ("DROP INDEX CONCURRENTLY i", True),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY a", True),
        ("REINDEX DATABASE d", True),
        ("VACUUM a", True),
        ("ALTER SYSTEM SET work_mem = 1", True),
        ("ALTER TABLE a DETACH PARTITION p CONCURRENTLY", True),
        ("CREATE DATABASE d", True),
        ("CREATE INDEX i ON a (b)", False),
        ("REFRESH MATERIALIZED VIEW CONCURRENTLY v", False),
        ("COMMENT ON TABLE a IS 'CREATE INDEX CONCURRENTLY'", False),
        ("ALTER TYPE t ADD VALUE 'x'", False),
    ],
)
def test_what_runs_outside_a_transaction_only(sql, alone):
    assert split(sql)[0].alone is alone


def test_what_waits_by_design():
    assert (
        split("CREATE INDEX CONCURRENTLY i ON a (b)")[0].concurrent
        and not split("REINDEX DATABASE d")[0].concurrent
    )
    assert (
        not split("VACUUM FULL a")[0].concurrent
        and not split("REFRESH MATERIALIZED VIEW CONCURRENTLY v")[0].concurrent
    )


@pytest.mark.parametrize(
    ("sql", "controls"),
    [
        ("BEGIN", True),
        ("start transaction read only", True),
        ("COMMIT", True),
        ("ROLLBACK", True),
        ("ROLLBACK TO SAVEPOINT s", False),
        ("SAVEPOINT s", False),
        ("SELECT 'BEGIN'", False),
    ],
)
def test_what_begins_and_ends_transactions(sql, controls):
    assert split(sql)[0].controls_transaction is controls


def test_the_index_that_is_built():
    assert split('create index concurrently "I x" on only s."T" using btree (b)')[0].index == (
        'S."T"',
        '"I x"',
    )
    assert split("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a(b)")[0].index == ("A", "I")
    assert (
        split("CREATE INDEX CONCURRENTLY ON a (b)")[0].index is None
        and split("CREATE INDEX i ON a (b)")[0].index is None
    )
    assert split("COPY a FROM STDIN")[0].reads_client and not split("COPY a FROM '/f'")[0].reads_client
