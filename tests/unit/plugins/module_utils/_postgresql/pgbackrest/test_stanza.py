# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.stanza import settings

GIVEN: dict[str, t.Any] = {"stanza": "shop", "config": "/etc/x.conf", "archive_timeout": 60}


def test_the_server_archives_with_this_program_and_this_configuration() -> None:
    assert settings("/usr/bin/pgbackrest", **GIVEN) == {
        "archive_mode": "on",
        "archive_command": "/usr/bin/pgbackrest --config=/etc/x.conf --stanza=shop archive-push %p",
        "archive_timeout": "60",
    }
    assert "--config" not in settings("pgbackrest", **{**GIVEN, "config": None})["archive_command"]


@pytest.mark.parametrize(
    ("option", "value"),
    [("stanza", "a b"), ("stanza", "$(x)"), ("stanza", "a;b"), ("config", "/etc/%p"), ("config", "/a'b")],
)
def test_what_a_shell_would_take_apart_is_refused(option: t.Any, value: t.Any) -> None:
    with pytest.raises(InputError, match=f"{option}: found"):
        settings("pgbackrest", **{**GIVEN, option: value})
