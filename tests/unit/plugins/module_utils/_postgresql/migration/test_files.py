# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration import files

from .migrations import migration


def put(folder: t.Any, **texts: t.Any) -> t.Any:
    for name, text in texts.items():
        (folder / f"{name.replace('__down', '.down').replace('__up', '.up')}.sql").write_text(text)
    return str(folder)


def test_a_folder_in_order_with_its_ways_down(tmp_path: Path) -> None:
    src = put(tmp_path, V10_late="SELECT 10", V9_early__up="SELECT 9", V9_early__down="SELECT -9")
    (tmp_path / "README.md").write_text("no migration")
    found = files.folder(src)
    assert [(one.name, one.up, one.down, one.reversible) for one in found] == [
        ("V9_early", "SELECT 9", "SELECT -9", True),
        ("V10_late", "SELECT 10", None, False),
    ]


def test_all_that_is_wrong_with_a_folder_at_once(tmp_path: Path) -> None:
    with pytest.raises(InputError) as told:
        files.folder(put(tmp_path, V1_a="", V01_b="", nameless="", V2_c__down=""))
    assert told.value.why == [
        "V2_c.down.sql: there is no V2_c.sql that it reverts",
        "nameless.sql: does not begin with a number; allowed: names such as 20261121093000_add_limits.sql",
        "V1_a: has the same number as V01_b; renumber one of them",
    ]
    with pytest.raises(InputError, match="not a readable folder"):
        files.folder(str(tmp_path / "nowhere"))
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="it holds no migration"):
        files.folder(str(tmp_path / "empty"))


@pytest.mark.parametrize(
    ("name", "version"),
    [
        ("20261121093000_add", (20261121093000,)),
        ("V1.10__x", (1, 10)),
        ("V1_2__x", (1, 2)),
        ("1_2fa", (1,)),
        ("0042-x", (42,)),
        ("add", ()),
    ],
)
def test_the_number_of_a_name(name: t.Any, version: t.Any) -> None:
    assert files.version(name) == version


def test_line_ends_are_no_edit() -> None:
    assert files.checksum("a\r\nb") == files.checksum("a\nb") != files.checksum("a\nc") and files.checksum(
        "a", "b"
    ) != files.checksum("ab")


def test_a_transaction_is_what_a_file_gets_unless_it_cannot() -> None:
    assert migration("1").transaction and not migration("1", "VACUUM a").transaction
    assert (
        not migration("1", "-- runbook: no-transaction\nSELECT 1").transaction
        and not migration("1", None, alone=True).transaction
    )


def test_what_we_cannot_run_is_told_before_anything_runs() -> None:
    bad = migration("1", "BEGIN;\nCOPY a FROM STDIN;\nCOMMIT", "\\i other.sql")
    assert list(files.problems_of_sql(bad)) == [
        "/m/1.sql, line 1: BEGIN; each file already runs in a transaction of its own",
        "/m/1.sql, line 2: COPY with rows in the file; only psql can run it",
        "/m/1.sql, line 3: COMMIT; each file already runs in a transaction of its own",
        "/m/1.down.sql, line 1: a command of psql (\\i); only SQL can run here",
    ]
    assert (
        list(files.problems_of_sql(migration("1"))) == []
        and files.readable("\\i x") is None
        and files.readable("SELECT 1") == "SELECT 1"
    )
