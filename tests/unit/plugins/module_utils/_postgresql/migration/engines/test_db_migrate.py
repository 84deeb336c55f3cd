# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import json
import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.base import (
    DOWN,
    UP,
    TooLong,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.engines.db_migrate import (
    DbMigrateEngine,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.ledger import Ledger
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.programs.supervised import (
    ANSWER_MARK,
    ProgramResult,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import (
    DatabaseError,
    Unreachable,
)

from ..migrations import Programs, Rows, options, work

SQL_FILE = "exports.up = function(db) { read('20260102-b-up.sql').then(function(data) { return db.runSql(data); }) };\n"
SQL_FILE += "exports.down = function(db) { read('20260102-b-down.sql').then(function(data) { return db.runSql(data); }) };\n"


@pytest.fixture
def service(tmp_path: Path) -> t.Any:
    (tmp_path / "node_modules" / "db-migrate").mkdir(parents=True)
    (tmp_path / "migrations" / "sqls").mkdir(parents=True)
    for name, code in {
        "20260101-a": "exports.up = (db) => db.addColumn('a', 'b'); exports.down = function (db) { return db.removeColumn('a', 'b'); };",
        "20260102-b": SQL_FILE,
        "20260103-c": "exports.up = (db) => db.runSql('create index concurrently i on a (b)'); exports.down = async function (db) {\n return null;\n};",
        "20260104-d": "exports.up = (db) => db.all('select 1'); exports.down = (db) => { };",
    }.items():
        (tmp_path / "migrations" / f"{name}.js").write_text(code)
    (tmp_path / "migrations" / "sqls" / "20260102-b-up.sql").write_text("ALTER TABLE a ADD c int")
    (tmp_path / "migrations" / "sqls" / "20260102-b-down.sql").write_text("ALTER TABLE a DROP c")
    (tmp_path / "migrations" / "package.json").write_text("{}")
    return tmp_path


def engine(src: t.Any, **params: t.Any) -> t.Any:
    return DbMigrateEngine(options(src=str(src), **params), Ledger("db_migrate"))


def test_what_can_be_known_of_its_files(service: t.Any) -> None:
    found = engine(service).files()
    assert [(one.name, one.up, one.reversible, one.transaction) for one in found] == [
        ("20260101-a", None, True, True),
        ("20260102-b", "ALTER TABLE a ADD c int", True, True),
        ("20260103-c", None, False, False),
        ("20260104-d", None, False, True),
    ]
    assert found[1].down == "ALTER TABLE a DROP c" and found[1].path.endswith("sqls/20260102-b-up.sql")
    before = found[1].sha256
    (service / "migrations" / "sqls" / "20260102-b-up.sql").write_text("ALTER TABLE a ADD d int")
    assert engine(service).files()[1].sha256 != before


def test_a_sql_file_beside_code_is_not_all_of_it(service: t.Any) -> None:
    (service / "migrations" / "20260102-b.js").write_text(
        SQL_FILE + "exports.more = (db) => db.dropTable('a');"
    )
    assert engine(service).files()[1].up is None


def test_packages_that_are_not_there(service: t.Any) -> None:
    (service / "node_modules" / "db-migrate").rmdir()
    with pytest.raises(InputError) as told:
        engine(service).files()
    assert told.value.then == f"npm ci --prefix {service}"
    with pytest.raises(InputError, match="table: found 'a; drop'"):
        engine(service, table="a; drop")


def test_its_own_table_but_not_what_is_in_a_scope(service: t.Any) -> None:
    assert engine(service).applied(Rows(("/20260101-a",), ("20260102-b",), ("/other/20260103-x",))) == [
        "20260101-a",
        "20260102-b",
    ]
    assert engine(service).applied(Rows()) == []


def run(service: t.Any, index: t.Any, direction: t.Any, *endings: t.Any) -> t.Any:
    programs = Programs(*endings)
    given = engine(service)
    given.run(work(programs), given.files()[index], direction)
    return programs.asked[0]


def test_secrets_and_limits_go_by_the_environment(service: t.Any) -> None:
    arguments, environment = run(service, 0, UP, ProgramResult(0, f"[INFO] noise\n{ANSWER_MARK}{{}}\n", ""))
    assert (
        arguments[:2] == ["node", "-e"]
        and "s3cret" not in " ".join(arguments)
        and environment["PGPASSWORD"] == "s3cret-s3cret"
    )
    assert "-c lock_timeout=500 -c statement_timeout=60000" in environment["PGOPTIONS"] and environment[
        "PGAPPNAME"
    ].startswith("runbook.release migrating")
    given = json.loads(environment["RUNBOOK_MIGRATION"])
    assert (given["direction"], given["name"], given["table"], given["alone"]) == (
        "up",
        "20260101-a",
        "migrations",
        False,
    )
    _arguments, environment = run(service, 2, UP, ProgramResult(0, f"{ANSWER_MARK}{{}}\n", ""))
    assert (
        json.loads(environment["RUNBOOK_MIGRATION"])["alone"] and "lock_timeout=0" in environment["PGOPTIONS"]
    )


def test_what_it_was_seen_to_run(service: t.Any) -> None:
    made = engine(service)
    own = [
        "show server_version",
        'SELECT * FROM "migrations"',
        "BEGIN;",
        "ALTER TABLE a ADD b int",
        'INSERT INTO "migrations" VALUES (1)',
        "COMMIT;",
    ]
    ended = ProgramResult(0, f"{ANSWER_MARK}{json.dumps({'ran': own})}\n", "")
    assert made.run(work(Programs(ended)), made.files()[0], UP) == ["ALTER TABLE a ADD b int"]


def test_what_it_answers(service: t.Any) -> None:
    refused = {
        "error": {
            "message": "violates",
            "code": "23503",
            "detail": "Key (a)=(1) is not present.",
            "constraint": "fk",
        }
    }
    with pytest.raises(DatabaseError) as told:
        run(service, 1, DOWN, ProgramResult(1, f"{ANSWER_MARK}{json.dumps(refused)}\n", ""))
    assert told.value.sqlstate == "23503" and "detail: Key (a)=(1) is not present." in told.value.why
    with pytest.raises(Unreachable):
        run(
            service,
            1,
            UP,
            ProgramResult(
                1,
                f"{ANSWER_MARK}{json.dumps({'error': {'message': 'connect ECONNREFUSED', 'code': 'ECONNREFUSED'}})}\n",
                "",
            ),
        )
    with pytest.raises(DatabaseError, match="without an answer"):
        run(service, 1, UP, ProgramResult(0, "[INFO] Done\n", ""))
    with pytest.raises(TooLong):
        run(service, 1, UP, ProgramResult(None, "", ""))
