# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether one object is pruned, and why."""

from __future__ import annotations

import typing as t

from ..api.port import Object


class PruneVerdict(t.NamedTuple):
    """Whether one object is deleted, and why it is, or why it stays.

    :ivar path: of its collection.
    """

    kind: str
    path: str
    obj: Object
    goes: bool
    why: str

    @property
    def name(self) -> str:
        return str(self.obj["metadata"]["name"])

    def as_result(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "why": self.why}
