# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.sql import classify
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.sql.statements import (
    split,
)


@pytest.mark.parametrize(
    ("sql", "kind"),
    [
        ("CREATE TABLE a (b int)", "expand"),
        ("ALTER TABLE a ADD COLUMN b int", "expand"),
        ("ALTER TABLE a ADD b int NOT NULL DEFAULT 0", "expand"),
        ("ALTER TABLE a DROP CONSTRAINT c", "expand"),
        ("ALTER TABLE a ALTER COLUMN b DROP NOT NULL", "expand"),
        ("CREATE INDEX CONCURRENTLY i ON a (b)", "expand"),
        ("DROP INDEX CONCURRENTLY i", "expand"),
        ("COMMENT ON COLUMN a.b IS 'DROP TABLE a'", "expand"),
        ("ALTER TABLE a ADD COLUMN b int NOT NULL", "contract"),
        ("ALTER TABLE a RENAME COLUMN b TO c", "contract"),
        ("ALTER TABLE a RENAME TO c", "contract"),
        ("ALTER TABLE a ALTER COLUMN b TYPE bigint", "contract"),
        ("ALTER TABLE a ALTER b SET DATA TYPE bigint", "contract"),
        ("ALTER TABLE a ALTER COLUMN b SET NOT NULL", "contract"),
        ("ALTER TABLE a ADD CONSTRAINT c CHECK (b > 0) NOT VALID", "contract"),
        ("CREATE UNIQUE INDEX CONCURRENTLY i ON a (b)", "contract"),
        ("ALTER TABLE a ALTER COLUMN b DROP DEFAULT", "contract"),
        ("DROP VIEW v", "contract"),
        ("DROP FUNCTION f", "contract"),
        ("REVOKE SELECT ON a FROM b", "contract"),
        ("INSERT INTO a VALUES (1)", "data"),
        ("UPDATE a SET b = 1", "data"),
        ("WITH x AS (SELECT 1) UPDATE a SET b = 1", "data"),
        ("DO $$ BEGIN DELETE FROM a; END $$", "data"),
        ("SELECT setval('s', 1)", "data"),
        ("DROP TABLE IF EXISTS a", "irreversible"),
        ("ALTER TABLE a DROP COLUMN b", "irreversible"),
        ("ALTER TABLE a DROP b, ADD c int", "irreversible"),
        ("ALTER TABLE IF EXISTS a ADD c int, DROP COLUMN IF EXISTS b CASCADE", "irreversible"),
        ("DROP SCHEMA s CASCADE", "irreversible"),
        ("TRUNCATE a", "irreversible"),
        ("DELETE FROM a", "irreversible"),
        ("WITH gone AS (DELETE FROM a RETURNING *) INSERT INTO b SELECT * FROM gone", "irreversible"),
    ],
)
def test_the_kind_of_a_statement(sql, kind):
    assert classify.of("1", split(sql), True).kind == kind


def test_the_gravest_counts_and_every_reason_is_told():
    found = classify.of(
        "1_a", split("CREATE TABLE a (b int);\nUPDATE a SET b = 1;\nALTER TABLE a RENAME b TO c;"), False
    )
    assert found.kind == "contract" and found.reasons == (
        "line 2: changes rows",
        "line 3: renames what the old release uses",
    )
    assert classify.of("1", split("SELECT 1"), True, ["renaming-table", "prefer-text-field"]).reasons == (
        "squawk: renaming-table",
    )
    assert classify.of("1", None, True).kind == "unknown"


def one(name, kind, reversible=True):
    return classify.Class(name, kind, ("because",), reversible)


@pytest.mark.parametrize(
    ("classes", "way"),
    [
        ([], "app_only"),
        ([one("1", "expand", False), one("2", "expand")], "app_only"),
        ([one("1", "expand", False), one("2", "contract")], "down"),
        ([one("1", "contract"), one("2", "expand", False)], "restore"),
        ([one("1", "data", False)], "restore"),
        ([one("1", "irreversible")], "restore"),
        ([one("1", "unknown")], "down"),
        ([one("1", "unknown", False)], "restore"),
    ],
)
def test_the_way_back(classes, way):
    found, reasons = classify.way_back(classes)
    assert found == way and bool(reasons) == (way != "app_only")
