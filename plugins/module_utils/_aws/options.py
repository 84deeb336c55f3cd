# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The options by which AWS is reached. Apart from the client: who only
checks an inventory does not wait for boto3 to be imported (0.3 s).
"""

from __future__ import annotations

from .._common.options import Option

OPTIONS: dict[str, Option] = {
    "endpoint_url": Option("str"),
    "region": Option("str"),
    "profile": Option("str"),
    "access_key": Option("str", secret=True),
    "secret_key": Option("str", secret=True),
    "session_token": Option("str", secret=True),
    "ca_bundle": Option("path"),
    "request_timeout": Option("int", 60, low=1),
}
