# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on the description of the platform."""

from __future__ import annotations

from .._common._operation import Context, Operation, Result
from ._platform import platform


def _run(_ports: None, context: Context) -> Result:
    found = platform(context.params["variables"])
    # Smoke checks are not among the results: their bodies may hold passwords, and a result is redacted.
    return Result(
        False,
        values={
            **found.values,
            "services": list(found.services),
            "waves": found.waves,
            "stretches": found.stretches(),
            "maintenance": found.maintenance(),
        },
    )


PLATFORM = Operation({"variables": {"type": "dict", "required": True}}, lambda context: None, _run)
