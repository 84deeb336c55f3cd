# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql import lock, login
from ansible_collections.runbook.release.plugins.module_utils._postgresql.login import Login


def of(**params: t.Any) -> t.Any:
    return login.of(Context(params))


def test_options_become_libpqs_parameters_and_variables() -> None:
    found = of(
        login_host="db",
        login_port=5433,
        login_user="release",
        login_password="hidden",
        database="shop",
        ssl_mode="require",
    )
    assert found.where == "release@db:5433/shop" and "hidden" not in found.where
    assert found.environment() == {
        "PGHOST": "db", "PGPORT": "5433", "PGUSER": "release", "PGPASSWORD": "hidden", "PGDATABASE": "shop", "PGSSLMODE": "require", "PGCONNECT_TIMEOUT": "10",
    }  # fmt: skip


def test_a_url_is_taken_apart_and_its_password_is_hidden_from_then_on() -> None:
    context = Context(
        {"login_url": "postgresql://release:s%40cret-word@db:5433/shop?sslmode=require", "database": None}
    )
    found = login.of(context)
    assert (
        found.parameters["password"] == "s@cret-word"
        and found.parameters["sslmode"] == "require"
        and found.database == "shop"
    )
    assert context.redact.text("with s@cret-word") == "with ********"


def test_a_url_that_is_made_is_read_again() -> None:
    for parameters in (
        {"host": "db", "port": "5433", "user": "a b", "password": "p:@/?", "dbname": "shop"},
        {"host": "/run/postgresql", "dbname": "shop"},
    ):
        assert login.from_url(Login(parameters).url()) == parameters


@pytest.mark.parametrize(
    "url",
    [
        "mysql://db/shop",
        "db.example.com",
        "postgresql://db:port/shop",
        "postgresql://u:s3cret/word@db/shop",
        "postgresql://u:s3cret%zz@db/shop",
        "postgresql://u:s3cret word@db/shop",
        "postgresql://u:s3cret@[::1/shop",
        "postgresql://u:s3cret@db/shop?sslmod=require",
    ],
)
def test_what_is_no_url_of_postgresql_is_refused_without_being_shown(url: t.Any) -> None:
    with pytest.raises(InputError, match="login_url: .* allowed: postgresql://") as caught:
        of(login_url=url)
    assert "s3cret" not in str(caught.value) and "shop" not in str(caught.value)


def test_the_schema_that_prisma_puts_into_a_url_is_left_out() -> None:
    for query in ("schema=public&sslmode=require", "sslmode=require&schema=public"):
        assert login.from_url(f"postgresql://db/shop?{query}") == {
            "host": "db",
            "dbname": "shop",
            "sslmode": "require",
        }
    assert login.from_url("postgresql://db/shop?schema=public") == {"host": "db", "dbname": "shop"}


def test_another_database_of_the_same_server() -> None:
    assert of(login_host="db", database="shop").to("postgres").where == "db/postgres"


def test_a_lock_is_a_number_that_postgresql_takes_and_its_holder_fits_its_name() -> None:
    assert 0 <= lock.key("database") < 2**63 and lock.key("a") != lock.key("b")
    assert len(lock.holder_name("backup " + "x" * 100, Context({}))) == 63
