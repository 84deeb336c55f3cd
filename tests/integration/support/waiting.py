# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Polling, for conditions that have no watch."""

from __future__ import annotations

import time
import typing as t

T = t.TypeVar("T")


def wait_for(observe: t.Callable[[], T], seconds: float = 40) -> T:
    """Returns what was observed, as soon as it is true."""
    end = time.monotonic() + seconds
    while not (seen := observe()):
        assert time.monotonic() < end, f"it did not come to that within {seconds} s"
        time.sleep(0.2)  # asking by kubectl costs a tenth of a second of a processor
    return seen


def wait_for_none(observe: t.Callable[[], t.Sequence[t.Any]], seconds: float = 40) -> None:
    """Until nothing is left; the failure names what is."""
    end = time.monotonic() + seconds
    while left := observe():
        assert time.monotonic() < end, f"still there after {seconds} s: {left}"
        time.sleep(0.2)
