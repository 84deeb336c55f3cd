# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Context
from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import programs


def test_a_client_may_be_newer_than_the_server_and_never_older() -> None:
    programs.check_dump(17, 15)
    with pytest.raises(ReleaseError, match="pg_dump 15 cannot dump a server of version 18"):
        programs.check_dump(15, 18)
    programs.check_restore(17, 15)
    with pytest.raises(ReleaseError, match="pg_restore 15 may not read what pg_dump 18 wrote"):
        programs.check_restore(15, 18)


@pytest.mark.parametrize(
    ("method", "recipients"),
    [("age", []), ("age", None), (None, ["age1x"]), ("age", ["AGE-SECRET-KEY-1X"]), ("gpg", ["--yes"])],
)
def test_recipients_are_public_keys_and_go_with_a_method(method: t.Any, recipients: t.Any) -> None:
    with pytest.raises(InputError) as refused:
        programs.check_recipients(method, recipients)
    assert "SECRET-KEY-1X" not in str(refused.value)


def test_the_version_is_the_number_in_what_the_program_says(tmp_path: Path) -> None:
    for name in ("pg_dump", "pg_restore"):
        (tmp_path / name).touch(mode=0o755)
    said = {
        "pg_dump": "pg_dump (PostgreSQL) 15.18 (Debian 15.18-0+deb12u1)\n",
        "pg_restore": "pg_restore (PostgreSQL) 18beta1\n",
    }
    found = programs.PgPrograms(
        Context({}, command=lambda argv: (0, said[argv[0].rsplit("/", 1)[1]], "")), str(tmp_path)
    )
    assert (found.version("pg_dump"), found.major("pg_dump"), found.major("pg_restore")) == ("15.18", 15, 18)


def test_a_program_that_is_missing_is_told_with_its_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(InputError, match="pg_bin: found .* has no program pg_dump"):
        programs.PgPrograms(Context({}), str(tmp_path)).path("pg_dump")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ReleaseError, match="The program zstd is missing"):
        programs.PgPrograms(Context({}), None).path("zstd")
