# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Closes the record of a release with its verdict."""

from __future__ import annotations

import typing as t

from .._common.operation import Context, Result
from .record import Record
from .verdict import verdict

_SHOWN = ("name", "passed", "status", "reason", "milliseconds", "attempts")


def run(record: Record, context: Context) -> Result:
    params = context.params
    content = record.read()
    closed = content["verdict"]
    # Without entries there is no record to close: nothing had to
    # be done, and nothing is written into the cluster.
    closes = bool(content["entries"]) and not closed
    if not closed:
        closed = given(params["reason"] or "", params["smoke"] or [], content["entries"], context)
    if closes and not context.check_mode:
        closed = record.close(closed)
    return Result(closes, values={"verdict": closed["verdict"], "recorded": bool(content["entries"])})


def given(
    reason: str, smoke: t.Sequence[t.Mapping[str, t.Any]], entries: list[dict[str, t.Any]], context: Context
) -> dict[str, t.Any]:
    """The verdict of a record that has none yet."""
    checks = [{key: check.get(key) for key in _SHOWN} for check in smoke]
    content = {"verdict": verdict(entries, reason), "reason": reason, "smoke": checks}
    return t.cast("dict[str, t.Any]", context.redact.value(content))
