# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.sql.statements import (
    Unreadable,
    kind_of,
    require_parser,
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


def test_it_cuts_where_psql_cuts() -> None:
    found = split(TRICKY)
    assert [(one.line, one.verb, kind_of(one.node)) for one in found] == [
        (2, "CREATE", "CreateStmt"),
        (3, "INSERT", "InsertStmt"),
        (4, "CREATE", "CreateFunctionStmt"),
        (5, "CREATE", "CreateFunctionStmt"),
        (6, "CREATE", "RuleStmt"),
        (7, "SELECT", "SelectStmt"),
        (8, "ALTER", "AlterTableStmt"),
    ]
    assert found[5].text == 'SELECT "a;b", a$b, $1 FROM "we""ird; name"'
    assert found[0].text.startswith("-- a remark") and found[-1].text.endswith("-- the end")
    assert split(" -- nothing\n;; /* at all */") == []


@pytest.mark.skipif(not shutil.which("squawk"), reason="squawk is not here")
def test_squawk_sees_the_same_statements(tmp_path: Path) -> None:
    """Two parsers of one grammar, by two authors."""
    (tmp_path / "tricky.sql").write_text(TRICKY)
    answer = subprocess.run(
        ["squawk", "--debug=ast", str(tmp_path / "tricky.sql")], capture_output=True, text=True, check=False
    ).stdout
    kinds = [one["type"] for one in json.loads(answer)["stmts"] if one["type"] != "EMPTY_STMT"]
    assert kinds == [
        "CREATE_TABLE",
        "INSERT",
        "CREATE_FUNCTION",
        "CREATE_FUNCTION",
        "CREATE_RULE",
        "SELECT",
        "ALTER_TABLE",
    ]
    assert [one.verb for one in split(TRICKY)] == [kind.partition("_")[0] for kind in kinds]


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
def test_what_cannot_be_read_is_reported_with_its_line(text: t.Any) -> None:
    with pytest.raises(Unreadable, match="line 2: "):
        split(f"SELECT 1;\n{text}")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("\\connect other", "a command of psql (\\connect); only SQL can run here"),
        ("SELECT 1 \\gexec", "a command of psql (\\gexec); only SQL can run here"),
        ("SELECT :id", "a variable of psql (:id); only SQL can run here"),
        ("SELECT :'id'", "a variable of psql (:'id'); only SQL can run here"),
        ('SELECT * FROM :"it"', 'a variable of psql (:"it"); only SQL can run here'),
        ("COPY a FROM stdin;\n1\tx\n\\.\n", "COPY with rows in the file; only psql can run it"),
        ("COPY a (b) FROM STDIN WITH CSV;\nit's,1\n", "COPY with rows in the file; only psql can run it"),
        ("SELECT FROM WHERE", 'syntax error at or near "WHERE" (read with the grammar of PostgreSQL '),
        ("CREATE TABLE a (", "syntax error at end of input (read with the grammar of PostgreSQL "),
        ("SELECT 1\0", "a NUL byte"),
    ],
)
def test_what_only_psql_understands_and_what_nobody_does(text: t.Any, reason: t.Any) -> None:
    with pytest.raises(Unreadable) as caught:
        split(f"SELECT 'é', a[1:2], b::int;\n{text}")
    assert str(caught.value).startswith(f"line 2: {reason}")


def test_no_literal_of_a_wrong_text_is_shown() -> None:
    for text in ("CREATE ROLE a PASSWORD 's3cret", "CREATE ROLE a ROLE 's3cret'", "SELECT 1 E's3cret'"):
        with pytest.raises(Unreadable) as caught:
            split(text)
        assert "s3cret" not in str(caught.value) and str(caught.value).startswith("line 1: ")


def test_a_missing_parser_is_named_with_what_installs_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pglast", None)
    with pytest.raises(InputError) as caught:
        require_parser()
    assert "'pglast'" in caught.value.what and "nothing was changed" in caught.value.what
    assert caught.value.then.startswith("python3 -m pip install pglast")


@pytest.mark.parametrize(
    ("sql", "alone"),
    [
        ("create unique index concurrently if not exists i on a (b)", True),
        ("CREATE /* x */ INDEX CONCURRENTLY ON a (b)", True),
        ("DROP INDEX CONCURRENTLY i", True),
        ("REINDEX (VERBOSE) TABLE CONCURRENTLY a", True),
        ("REINDEX DATABASE d", True),
        ("REINDEX (CONCURRENTLY false) TABLE a", False),
        ("CLUSTER", True),
        ("CLUSTER a USING i", False),
        ("ALTER DATABASE d SET TABLESPACE t", True),
        ("ALTER DATABASE d SET work_mem = 1", False),
        ("CREATE TABLESPACE t LOCATION '/t'", True),
        ("CREATE SUBSCRIPTION s CONNECTION '' PUBLICATION p", True),
        ("ALTER SUBSCRIPTION s REFRESH PUBLICATION", True),
        ("DISCARD ALL", True),
        ("ANALYZE a", False),
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
def test_what_runs_outside_a_transaction_only(sql: t.Any, alone: t.Any) -> None:
    assert split(sql)[0].alone is alone


def test_what_waits_by_design() -> None:
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
def test_what_begins_and_ends_transactions(sql: t.Any, controls: t.Any) -> None:
    assert split(sql)[0].controls_transaction is controls


def test_the_index_that_is_built() -> None:
    assert split('create index concurrently "I x" on only s."T" using btree (b)')[0].index == (
        '"s"."T"',
        "I x",
    )
    assert split("CREATE INDEX CONCURRENTLY IF NOT EXISTS i ON a(b)")[0].index == ('"a"', "i")
    assert (
        split("CREATE INDEX CONCURRENTLY ON a (b)")[0].index is None
        and split("CREATE INDEX i ON a (b)")[0].index is None
    )
    assert split("COPY a FROM STDIN")[0].reads_client and not split("COPY a FROM '/f'")[0].reads_client
