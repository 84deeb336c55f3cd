# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The operations of the gates: their options, their port, their work."""

from __future__ import annotations

from .._common._operation import Operation
from . import _service, _smoke
from ._http import OpenUrl

SMOKE = Operation(
    {
        "url": {"type": "str", "required": True},
        "checks": {"type": "list", "elements": "dict", "required": True},
        "attempts": {"type": "int", "default": 3},
        "request_timeout": {"type": "int", "default": 10},
        "validate_certs": {"type": "bool", "default": True},
    },
    OpenUrl,
    _smoke.run,
)

SERVICE = Operation(
    {
        "checks": {"type": "list", "elements": "dict", "required": True},
        "attempts": {"type": "int", "default": 3},
        "request_timeout": {"type": "int", "default": 10},
        "validate_certs": {"type": "bool", "default": True},
    },
    _service.Ports.of,
    _service.run,
)
