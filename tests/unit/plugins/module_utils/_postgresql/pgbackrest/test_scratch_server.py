# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, NotFound
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest import scratch_server

CONTROLDATA = "max_connections setting:              700\nmax_prepared_xacts setting:           5\nDatabase cluster state:  in production\n"


def test_a_copy_is_cut_off_and_no_smaller_than_recovery_allows() -> None:
    found = scratch_server.settings(
        "/d/x",
        CONTROLDATA,
        {"shared_buffers": "1GB", "archive_mode": "on", "listen_addresses": "*", "port": 1},
    )
    assert (found["max_connections"], found["max_prepared_transactions"], found["shared_buffers"]) == (
        "700",
        "5",
        "1GB",
    )
    assert (found["archive_mode"], found["listen_addresses"], found["max_logical_replication_workers"]) == (
        "off",
        "",
        "0",
    )
    assert (
        found["unix_socket_directories"] == "/d/x"
        and found["port"] == "5432"
        and found["shared_preload_libraries"] == ""
    )


def test_libraries_are_loaded_where_the_user_says_so() -> None:
    assert (
        scratch_server.settings("/d", "", {"shared_preload_libraries": "timescaledb"})[
            "shared_preload_libraries"
        ]
        == "timescaledb"
    )


def test_the_server_has_to_be_there(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="pg_bin: found"):
        scratch_server.programs_folder("15", str(tmp_path))
    with pytest.raises(NotFound, match="There is no PostgreSQL 7 server"):
        scratch_server.programs_folder("7", None)


def test_the_last_words_are_those_that_tell_of_trouble(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_text(
        "LOG: starting\nFATAL:  the database system is starting up\n\nFATAL:  recovery ended before the target\nLOG: bye\n"
    )
    assert scratch_server.last_words(str(log)) == ["FATAL:  recovery ended before the target"]
    log.write_text("LOG: a\nLOG: b\n")
    assert (
        scratch_server.last_words(str(log)) == ["LOG: a", "LOG: b"]
        and scratch_server.last_words(str(tmp_path / "none")) == []
    )
