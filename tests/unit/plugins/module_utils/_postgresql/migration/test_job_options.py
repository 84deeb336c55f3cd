# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.options import (
    argument_spec,
    out_of_bounds,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.login import Login
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration import (
    job_options as options,
)

JOB = {
    **{name: spec.get("default") for name, spec in argument_spec(options.OPTIONS).items()},
    "namespace": "exchange",
    "src": "/app/migrations",
    "image": "wallet:1",
}
LOGIN = Login(
    {"host": "db", "user": "release", "password": "s3cret-s3cret", "dbname": "shop", "connect_timeout": "10"}
)


def given(**job: t.Any) -> t.Any:
    return options.JobOptions.of({**JOB, **job})


def problems(
    job: t.Any = None, login: t.Any = LOGIN, has_program: bool = True, environment: t.Any = None
) -> t.Any:
    with pytest.raises(InputError) as told:
        options.check(given(**(job or {})), "sql", has_program, login, environment or {})
    return told.value.why


def test_what_is_right_is_let_pass() -> None:
    options.check(given(), "flyway", True, LOGIN, {})
    options.check(given(), "flyway", True, Login({"dbname": "shop"}), {"PGHOST": "db"})
    options.check(
        given(login_host="127.0.0.1"),
        "flyway",
        True,
        LOGIN.having(host="/run/postgresql"),
        {},
    )
    options.check(given(ca_cert="/etc/ca.crt"), "flyway", True, LOGIN.having(sslrootcert="ca.crt"), {})


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"has_program": False}, "job: found it with engine=sql"),
        ({"job": {"src": "migrations"}}, "job.src: found 'migrations'; allowed: the absolute path"),
        ({"login": Login({})}, "job.login_host: is missing, and no address of the database is given"),
        (
            {"login": LOGIN.having(host="localhost")},
            "job.login_host: is missing, and login_host is localhost",
        ),
        (
            {"login": LOGIN.having(host="/run/postgresql")},
            "job.login_host: is missing, and login_host is /run/postgresql",
        ),
        ({"login": LOGIN.having(sslrootcert="ca.crt")}, "job.ca_cert: is missing"),
    ],
)
def test_what_is_wrong_names_the_option(given: t.Any, said: t.Any) -> None:
    (problem,) = problems(**given)
    assert problem.startswith(said)


def test_a_pod_reaches_the_database_in_its_own_way() -> None:
    here = LOGIN.having(
        port="5433",
        sslmode="verify-full",
        sslrootcert="/here/ca.crt",
        service="shop",
        options="-c lock_timeout=500",
    )
    inside = options.reached(
        given(login_host="db.internal", login_port=5432, ca_cert="/etc/ca.crt"),
        here,
        {"PGUSER": "nobody", "PGSERVICE": "x"},
    )
    assert inside.parameters == {
        "host": "db.internal",
        "port": "5432",
        "user": "release",
        "password": "s3cret-s3cret",
        "dbname": "shop",
        "connect_timeout": "10",
        "sslmode": "verify-full",
        "sslrootcert": "/etc/ca.crt",
        "options": "-c lock_timeout=500",
    }
    assert options.reached(given(), Login({"host": "db"}), {"PGPASSWORD": "of-the-task"}).parameters == {
        "host": "db",
        "password": "of-the-task",
    }


def test_numbers_have_their_bounds() -> None:
    wrong = {"job": {**JOB, "stuck_after": 0, "login_port": 70000}}
    assert list(out_of_bounds({"job": options.JOB}, wrong)) == [
        "job.login_port: found 70000; allowed: 1 to 65535",
        "job.stuck_after: found 0; allowed: 1 or more",
    ]
