# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What the description of a platform says of its Redis."""

from __future__ import annotations

from .._common.options import Option
from .._platform.sections import Section, register

register(
    Section(
        "Redis",
        {
            "release_redis": Option(
                "dict",
                help="How it is reached and what it has to be like: options of redis_health_info.",
                allowed="a dictionary of the options of redis_health_info",
            )
        },
        passed_through=True,
    )
)
