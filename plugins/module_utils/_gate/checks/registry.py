# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The kinds of checks by the keys that users choose them by: a new one is a file beside this and a line here."""

from __future__ import annotations

from .base import Check
from .http_request import HttpCheck
from .json_rpc import JsonRpcCheck
from .tcp import TcpCheck

CHECKS: dict[str, Check] = {check.kind: check for check in (TcpCheck(), HttpCheck(), JsonRpcCheck())}
