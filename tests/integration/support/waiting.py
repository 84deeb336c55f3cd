# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""For what a test can only look at again and again."""

from __future__ import annotations

import time
import typing as t

T = t.TypeVar("T")


def wait_for(look: t.Callable[[], T], seconds: float = 40) -> T:
    """Gives what it has seen, as soon as that is true."""
    end = time.monotonic() + seconds
    while not (seen := look()):
        assert time.monotonic() < end, f"it did not come to that within {seconds} s"
        time.sleep(0.2)  # a look by kubectl costs a tenth of a second of a processor
    return seen


def wait_for_none(look: t.Callable[[], t.Sequence[t.Any]], seconds: float = 40) -> None:
    """Until nothing is left; what still is, is told."""
    end = time.monotonic() + seconds
    while left := look():
        assert time.monotonic() < end, f"still there after {seconds} s: {left}"
        time.sleep(0.2)
