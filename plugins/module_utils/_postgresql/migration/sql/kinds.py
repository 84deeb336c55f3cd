# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a migration does to the release that ran before it, from the lightest to the gravest."""

from __future__ import annotations

import dataclasses
import typing as t

KINDS = ("expand", "data", "contract", "irreversible", "unknown")
EXPAND, DATA, CONTRACT, IRREVERSIBLE, UNKNOWN = KINDS


@dataclasses.dataclass(frozen=True)
class Effect:
    """One thing that a statement does and the old release notices.

    :ivar line: of the file, from 1.
    """

    kind: str
    reason: str
    line: int

    def __str__(self) -> str:
        return f"line {self.line}: {self.reason}"


def gravest(kinds: t.Sequence[str]) -> str:
    return max(kinds, key=KINDS.index, default=EXPAND)
