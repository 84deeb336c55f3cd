# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.apply import Apply
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.attempts import (
    MigrationRun,
    Reconnect,
)
from ansible_collections.runbook.release.plugins.module_utils._postgresql.session import Unreachable

from .migrations import Programs, migration, request, work


class Lost(Apply):
    """Every look at the database ends as told; one that is a
    migration's name was applied before the connection was lost.
    """

    def __init__(self, *endings: t.Any, **params: t.Any) -> None:
        super().__init__(t.cast(t.Any, None), work(Programs(), **params), request(), [])
        self.endings, self.looks = list(endings), 0

    def _under_the_lock(self) -> None:
        self.looks += 1
        ending = self.endings.pop(0)
        self._waiting = [migration("9_last")]
        if isinstance(ending, str):
            self.done.append(MigrationRun(ending, 0.1, 1))
            ending = astray()
        if ending:
            raise ending


def astray() -> t.Any:
    return Reconnect(ReleaseError("Migration 2_b failed: connection_lost."), astray=True)


def test_a_program_that_asks_another_address_in_vain_is_tried_three_times_only() -> None:
    applying = Lost(*[astray() for number in range(9)], retry_window=300)
    with pytest.raises(ReleaseError) as told:
        applying.run()
    assert applying.looks == 3 and told.value.done == "nothing went up before it; not begun: 9_last"


def test_unless_it_gets_on_or_the_server_is_gone_for_us_as_well() -> None:
    applying = Lost(
        "1_a", astray(), "2_b", astray(), Unreachable("gone"), astray(), astray(), None, retry_window=300
    )
    applying.run()
    assert applying.looks == 8


def test_what_was_applied_before_the_connection_was_lost_for_good_is_told() -> None:
    lost = [Reconnect(ReleaseError("gone")) for number in range(99)]
    with pytest.raises(ReleaseError) as told:
        Lost("1_a", *lost, retry_window=20).run()
    assert told.value.done == "1_a went up before it; not begun: 9_last"
    assert told.value.details["changed"] and [one["name"] for one in told.value.details["applied"]] == ["1_a"]
