# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.sql.sqlstate import (
    RECONNECT,
    RETRY,
    STOP,
    reaction,
)

# Section 4 of what was measured on a real server; the names
# are for conditions in playbooks and must not change.
TABLE = {
    "55P03": (RETRY, "lock_timeout"),
    "40P01": (RETRY, "deadlock"),
    "40001": (RETRY, "serialization_failure"),
    "53300": (RECONNECT, "too_many_connections"),
    "57P03": (RECONNECT, "cannot_connect_now"),
    "57P01": (RECONNECT, "admin_shutdown"),
    "08006": (RECONNECT, "connection_lost"),
    "57014": (STOP, "statement_timeout"),
    "23503": (STOP, "foreign_key_violation"),
    "23505": (STOP, "unique_violation"),
    "23502": (STOP, "not_null_violation"),
    "23514": (STOP, "check_violation"),
    "42P07": (STOP, "already_exists"),
    "42701": (STOP, "already_exists"),
    "42710": (STOP, "already_exists"),
    "42601": (STOP, "syntax_error"),
    "42P01": (STOP, "undefined_object"),
    "42703": (STOP, "undefined_object"),
    "42501": (STOP, "insufficient_privilege"),
    "25001": (STOP, "not_in_a_transaction"),
    "53100": (STOP, "disk_full"),
    "25P03": (STOP, "idle_in_transaction"),
    "22001": (STOP, "bad_data"),
    "99999": (STOP, "error"),
    "": (STOP, "error"),
}


@pytest.mark.parametrize("code", TABLE)
def test_every_row(code: t.Any) -> None:
    means = reaction(code)
    assert (means.kind, means.name) == TABLE[code] and means.advice


def test_nothing_else_is_tried_again() -> None:
    known = [
        f"{a}{b}{rest}"
        for a in "02345HPX"
        for b in "0123458PVXF"
        for rest in ("000", "001", "P01", "P03", "P05")
    ]
    assert {code for code in known if reaction(code).kind == RETRY} == {"55P03", "40001", "40P01"} & set(
        known
    )
