# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What pruning thinks of one object."""

from __future__ import annotations

import typing as t

from ..api.port import Object


class Verdict(t.NamedTuple):
    """On one object: whether it goes, and why it does or stays."""

    kind: str
    path: str
    thing: Object
    goes: bool
    why: str

    @property
    def name(self) -> str:
        return str(self.thing["metadata"]["name"])

    def told(self) -> dict[str, str]:
        return {"kind": self.kind, "name": self.name, "why": self.why}
