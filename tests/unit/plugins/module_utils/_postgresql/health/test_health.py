# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import contextlib
import decimal
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Context
from ansible_collections.runbook.release.plugins.module_utils._common.options import out_of_bounds
from ansible_collections.runbook.release.plugins.module_utils._postgresql.health import health
from ansible_collections.runbook.release.plugins.module_utils._postgresql.health.health import (
    OPERATION as HEALTH,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.health.queries import shown
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import (
    DatabaseError,
    Unreachable,
)

PARAMS = {name: option.get("default") for name, option in HEALTH.argument_spec.items()}
SERVER = {
    "version": "15",
    "standby": False,
    "database": "shop",
    "role": "app",
    "up_seconds": 9,
    "backend": 7,
    "data_directory": "/data",
    "sees_all": True,
}
STRANGER = {
    "pid": 8,
    "state": None,
    "seconds": None,
    "state_seconds": None,
    "query": "<insufficient privilege>",
}


class Server:
    """Answers by what a statement mentions; an exception in place of an answer is raised."""

    def __init__(self, **answers: t.Any) -> None:
        self.answers: dict[str, t.Any] = {"pg_postmaster_start_time": [SERVER], **answers}
        self.ran: list[str] = []

    @contextlib.contextmanager
    def session(self, database: str = "", *, options: t.Any = None, name: str = "") -> t.Iterator[t.Any]:
        assert options["default_transaction_read_only"] == "on"
        if "connect" in self.answers:
            raise self.answers["connect"]
        yield self

    def rows(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        answer: t.Any = next((answer for part, answer in self.answers.items() if part in sql), [])
        if isinstance(answer, Exception):
            raise answer
        return [(value,) if not isinstance(value, tuple) else value for value in answer]

    def value(self, sql: t.Any, parameters: t.Any = ()) -> t.Any:
        return self.rows(sql)[0][0]

    def execute(self, sql: t.Any, parameters: t.Any = ()) -> None:
        self.ran.append(sql)


class Space:
    def __init__(self, there: t.Any = None) -> None:
        self.there = there

    def of(self, path: t.Any, process: t.Any) -> t.Any:
        assert (path, process) == ("/data", 7)
        return self.there


def query(name: t.Any, **more: t.Any) -> t.Any:
    return {
        "name": name,
        "sql": f"SELECT {name}",
        "min": None,
        "max": None,
        "max_drop_percent": None,
        "max_rise_percent": None,
        **more,
    }


def looked(server: t.Any, *checks: t.Any, space: t.Any = None, **given: t.Any) -> t.Any:
    return health.run(
        health.Ports(server, Space(space)), Context({**PARAMS, "checks": list(checks), **given})
    ).values


def test_a_server_that_does_not_answer_is_unwell() -> None:
    found = looked(
        Server(
            connect=Unreachable("app@db/shop: no connection to PostgreSQL.", why=["too many clients already"])
        ),
        "connections",
    )
    assert (found["healthy"], found["reasons"]) == (
        False,
        ["app@db/shop: no connection to PostgreSQL.; too many clients already"],
    )
    assert found["found"] == {}


def test_what_was_found_before_the_connection_broke_is_told() -> None:
    found = looked(Server(pg_ls_waldir=Unreachable("PostgreSQL: terminating connection")), "wal", "archiver")
    assert (
        found["reasons"] == ["PostgreSQL: terminating connection"]
        and found["found"]["server"]["version"] == "15"
    )


def test_what_may_not_be_read_is_unknown_and_the_rest_is_looked_at() -> None:
    found = looked(
        Server(
            pg_ls_waldir=DatabaseError("permission denied", "42501"),
            indisvalid=[{"name": "i", "table": "t", "in_progress": False}],
        ),
        "wal",
        "indexes",
    )
    assert (
        found["unknown"] == {"wal": "permission denied"}
        and len(found["reasons"]) == 1
        and "wal" not in found["found"]
    )


def test_sessions_that_are_hidden_from_the_role_are_unknown_and_do_not_break_the_check() -> None:
    server = Server(pg_postmaster_start_time=[{**SERVER, "sees_all": False}], xact_start=[STRANGER])
    found = looked(server, "transactions")
    assert (
        found["unknown"] == {"transactions": "what others do is hidden from role app; GRANT pg_monitor TO it"}
        and found["healthy"]
    )


def test_the_disk_is_known_on_the_servers_own_host_only() -> None:
    assert "on the server's own host" in looked(Server(), "disk")["unknown"]["disk"]
    assert looked(Server(), "disk", space=(5, 100))["reasons"] == [
        "disk of /data: 5 B of 100 B are free (5 %)"
    ]
    assert (
        "pg_monitor"
        in looked(Server(pg_postmaster_start_time=[{**SERVER, "data_directory": ""}]), "disk")["unknown"][
            "disk"
        ]
    )


@pytest.mark.parametrize(
    ("answer", "expected", "before", "said"),
    [
        ([5], {"min": 5, "max": 5}, None, []),
        ([4], {"min": 5}, None, ["a: is 4, at least 5 required"]),
        ([decimal.Decimal("5.5")], {"max": 5}, None, ["a: is 5.5, at most 5 allowed"]),
        ([90], {"max_drop_percent": 10}, 100, []),
        ([89], {"max_drop_percent": 10}, 100, ["a: fell from 100 to 89 (11 %), at most 10 % allowed"]),
        ([111], {"max_drop_percent": 10}, 100, []),
        ([111], {"max_rise_percent": 10}, 100, ["a: rose from 100 to 111 (11 %), at most 10 % allowed"]),
        ([1], {"max_rise_percent": 500}, 0, ["a: rose from 0 to 1 (inf %), at most 500 % allowed"]),
        ([], {}, None, ["a: answered no row, expected one number"]),
        ([1, 2], {}, None, ["a: answered more than one row, expected one number"]),
        ([(1, 2)], {}, None, ["a: answered 2 columns, expected one number"]),
        ([None], {}, None, ["a: answered NULL, expected a number"]),
        (["x"], {}, None, ["a: answered 'x' (string), expected a number"]),
        (DatabaseError("no such table", "42P01"), {}, None, ["a: no such table"]),
    ],
)
def test_answers_are_held_against_what_is_expected_and_what_was(
    answer: t.Any, expected: t.Any, before: t.Any, said: t.Any
) -> None:
    found = looked(
        Server(**{"SELECT a\n": answer}),
        queries=[query("a", **expected)],
        before={"found": {"queries": {"a": before}}} if before is not None else None,
    )
    assert found["reasons"] == said and found["unknown"] == {}


def test_a_query_is_rolled_back_also_when_it_fails() -> None:
    server = Server(**{"SELECT a\n": DatabaseError("no", "42P01")})
    looked(server, queries=[query("a")])
    assert (server.ran[0], server.ran[-1]) == ("BEGIN READ ONLY", "ROLLBACK")


def test_a_query_that_cannot_be_compared_or_read_is_unknown() -> None:
    server = Server(**{"SELECT a\n": [1], "SELECT b\n": DatabaseError("denied", "42501")})
    found = looked(
        server, queries=[query("a", max_drop_percent=0), query("b", min=1)], before={"found": {"queries": {}}}
    )
    assert (
        found["unknown"] == {"a": "before holds no value of it, so it was not compared", "b": "denied"}
        and found["healthy"]
    )


@pytest.mark.parametrize("code", ["25006", "42601", "0A000"])
def test_a_statement_that_is_no_plain_select_is_refused(code: t.Any) -> None:
    with pytest.raises(InputError, match=r"queries \(a\)\.sql"):
        looked(Server(**{"SELECT a\n": DatabaseError("refused", code)}), queries=[query("a")])


def test_every_wrong_query_is_named_before_anything_is_asked() -> None:
    server = Server(connect=AssertionError("asked"))
    with pytest.raises(InputError) as refused:
        looked(server, queries=[query("a", min=5, max=4), query("a", sql=" ")])
    assert [line.partition(":")[0] for line in refused.value.why] == [
        "queries[0] (a).name",
        "queries[0] (a).min",
        "queries[1] (a).name",
        "queries[1] (a).sql",
    ]


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("ALTER ROLE app\n PASSWORD 'it''s secret'", "ALTER ROLE app PASSWORD '...'"),
        ("SELECT 'cut off in the mid", "SELECT '...'"),
        ("SELECT $x$ secret $$ still $x$, 2", "SELECT '...', 2"),
        ("SELECT " + "x" * 200, "SELECT " + "x" * 110 + "..."),
        (r"SELECT E'it\'s secret', 1", "SELECT '...', 1"),
        (r"SELECT 'C:\', 'secret'", "SELECT '...', '...'"),
        ("SELECT \"it's\", 'secret' -- it's\n, 2 /* don't */", "SELECT \"it's\", '...' , 2"),
        (None, ""),
    ],
)
def test_statements_of_others_are_shown_without_their_literals(statement: t.Any, said: t.Any) -> None:
    assert shown(statement) == said


def test_a_change_below_nothing_is_refused() -> None:
    wrong = {"queries": [query("a", max_drop_percent=-1)], "query_timeout": 0}
    assert list(out_of_bounds(HEALTH.options, wrong)) == [
        "queries[0] (a).max_drop_percent: found -1; allowed: 0 or more",
        "query_timeout: found 0; allowed: 1 to 3600",
    ]
