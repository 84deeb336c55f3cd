# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Names of WAL segments as numbers, and gaps among them: pure.

Needed because `pgbackrest verify` does not report a segment that is missing after the last backup, and exits with 0
whatever it finds.
"""

from __future__ import annotations

import re
import typing as t

from ..._common.errors import InputError
from ..._common.options import Option

_SMALLEST, _LARGEST = 1 << 20, 1 << 30
OPTIONS: dict[str, Option] = {
    "wal_segment_bytes": Option("int", 16777216, low=_SMALLEST, high=_LARGEST),
}

SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})")
_LOG_BYTES = 1 << 32  # the unit of the middle part of a name


class Segment(t.NamedTuple):
    """The number of a segment on its timeline."""

    timeline: int
    number: int


class Gap(t.NamedTuple):
    """Missing segments: the first and the last of them."""

    first: Segment
    last: Segment


def check_segment_bytes(size: int) -> None:
    if size < _SMALLEST or size > _LARGEST or size & (size - 1):
        raise InputError(
            f"wal_segment_bytes: found {size}; allowed: a power of two from {_SMALLEST} to {_LARGEST} (SHOW wal_segment_size)"
        )


def parse(name: str, segment_bytes: int) -> Segment:
    matched = SEGMENT.match(name)
    if not matched:
        raise ValueError(f"{name} is not the name of a WAL segment")
    timeline, log, segment = (int(part, 16) for part in matched.groups())
    return Segment(timeline, log * (_LOG_BYTES // segment_bytes) + segment)


def name(segment: Segment, segment_bytes: int) -> str:
    log, rest = divmod(segment.number, _LOG_BYTES // segment_bytes)
    return f"{segment.timeline:08X}{log:08X}{rest:08X}"


def of_lsn(lsn: str, segment_bytes: int) -> int:
    """The number of the segment that a position such as 0/40286B0 is in."""
    high, low = lsn.split("/")
    return (int(high, 16) * _LOG_BYTES + int(low, 16)) // segment_bytes


def gaps(segments: t.Collection[Segment]) -> list[Gap]:
    """The gaps between the first segment and the last. A new timeline starts in, or right after, a segment of the one
    before it.
    """
    found: list[Gap] = []
    before: Segment | None = None
    for segment in sorted(segments):
        if before and segment.number > before.number + 1:
            found.append(
                Gap(
                    Segment(segment.timeline, before.number + 1),
                    Segment(segment.timeline, segment.number - 1),
                )
            )
        before = segment
    return found


def describe_gap(gap: Gap, segment_bytes: int) -> str:
    first, last = name(gap.first, segment_bytes), name(gap.last, segment_bytes)
    return first if first == last else f"{first} to {last}"
