# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Names of WAL segments as numbers, and what is missing among them: pure.

`pgbackrest verify` says nothing of a segment that is missing
after the last backup, and ends with 0 on any finding.
"""

from __future__ import annotations

import re
import typing as t

from ..._common.options import Option

OPTIONS: dict[str, Option] = {"wal_segment_bytes": Option("int", 16777216)}


SEGMENT = re.compile(r"([0-9A-F]{8})([0-9A-F]{8})([0-9A-F]{8})")
_LOG_BYTES = 1 << 32  # what the middle part of a name counts


class Segment(t.NamedTuple):
    """Of which timeline, and which one of it."""

    timeline: int
    number: int


class Gap(t.NamedTuple):
    """Segments that are missing in between: the first and the last of them."""

    first: Segment
    last: Segment


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
    """In the chain from the first segment to the last. A new
    timeline begins in or right after a segment of the one before it.
    """
    found, before = [], None
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
