# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup import load

GLOBALS = """\
--
SET client_encoding = 'UTF8';
CREATE ROLE exchange;
ALTER ROLE exchange WITH NOSUPERUSER LOGIN PASSWORD 'SCRAM-SHA-256$4096:x';
CREATE ROLE "read only";
GRANT exchange TO "read only" GRANTED BY postgres;
CREATE TABLESPACE fast OWNER postgres LOCATION '/mnt/fast';
"""


def test_roles_and_tablespaces_are_found_in_what_pg_dumpall_wrote() -> None:
    assert [name for statement, name in load.statements(GLOBALS)] == [
        "exchange",
        "exchange",
        "read only",
        "read only",
        "fast",
    ]
