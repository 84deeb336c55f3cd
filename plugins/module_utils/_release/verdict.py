# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""How a release ended, by its record. Pure."""

from __future__ import annotations

import typing as t

Entry = dict[str, t.Any]


def verdict(entries: list[Entry], reason: str) -> str:
    """succeeded, rolled_back, failed, or unchanged where nothing had to be done."""
    undone = [entry for entry in entries if entry["kind"] == "rollback" and entry["phase"] == "ended"]
    if undone:
        return "failed" if undone[-1]["failed"] else "rolled_back"
    if reason:
        return "failed"
    return "succeeded" if entries else "unchanged"
