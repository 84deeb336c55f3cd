# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The options by which AWS is reached. Apart from the client: who only
checks an inventory does not wait for boto3 to be imported (0.3 s).
"""

from __future__ import annotations

import typing as t

OPTIONS: dict[str, t.Any] = {
    "endpoint_url": {"type": "str"},
    "region": {"type": "str"},
    "profile": {"type": "str"},
    "access_key": {"type": "str", "no_log": True},
    "secret_key": {"type": "str", "no_log": True},
    "session_token": {"type": "str", "no_log": True},
    "ca_bundle": {"type": "path"},
    "request_timeout": {"type": "int", "default": 60},
}
