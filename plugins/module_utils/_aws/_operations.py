# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations on AWS: their options, their port, their work."""

from __future__ import annotations

from .._common._operation import Operation
from . import _snapshot
from ._options import OPTIONS
from ._rds import BotoRds

SNAPSHOT = Operation(
    {
        **OPTIONS,
        "instance": {"type": "str", "required": True},
        "kind": {"type": "str", "default": "manual"},
        "release": {"type": "str"},
        "keep_days": {"type": "int"},
        "tags": {"type": "dict"},
        "reuse_within": {"type": "int", "default": 0},
        "timeout": {"type": "int", "default": 3600},
    },
    BotoRds,
    _snapshot.run,
)
