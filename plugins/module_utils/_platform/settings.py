# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What is said of the platform as a whole, whatever it runs on."""

from __future__ import annotations

from .._common.options import REQUIRED, Option
from .._gate import service_schema
from .._gate.smoke_schema import CHECK
from .names import LABEL, LABEL_ALLOWED, TAG, TAG_ALLOWED
from .sections import Section, register

register(
    Section(
        "The platform",
        {
            "release_platform": Option(
                "str", REQUIRED, "Name of the platform.", pattern=LABEL, allowed=LABEL_ALLOWED
            ),
            "release_version": Option(
                "str",
                REQUIRED,
                "The version that is released, and the tag of its images.",
                pattern=TAG,
                allowed=TAG_ALLOWED,
            ),
            "release_registry": Option(
                "str",
                REQUIRED,
                "Where the images are.",
                pattern=r"[^\s@]*[^\s@/]",
                allowed="host[:port][/path] without a slash at the end",
            ),
            "release_url": Option(
                "str",
                help="The platform's address as users see it; smoke checks ask there.",
                pattern=r"https?://\S+",
                allowed="the platform's address as users see it, http:// or https://",
            ),
            "release_smoke": Option(
                "list",
                help="The smoke suite of the whole platform, as checks of service_smoke_info.",
                allowed="a list of smoke checks",
                each=CHECK,
            ),
            "release_report_dir": Option(
                "str", "release-reports", "The folder of the reports, on the controller."
            ),
        },
    )
)

register(
    Section(
        "How a release goes",
        {
            "release_timeout": Option("int", 300, "Seconds that each service may take to settle.", low=1),
            "release_stuck_after": Option(
                "int",
                60,
                "Seconds without progress for which a problem is put up with that only somebody else "
                "can fix: no room on a node, a quota, a registry that is away.",
                low=1,
            ),
            "release_parallel": Option(
                "int",
                help="How many services of a wave may roll out at the same time; all where it is left out.",
                low=1,
            ),
            "release_require_healthy": Option(
                "bool", True, "Whether services that are unhealthy before a release stop it."
            ),
            "release_lock_force": Option(
                "bool",
                False,
                "Whether to take the lock over from another run that is still alive; "
                "that run stops before its next write.",
            ),
        },
    )
)

register(
    Section(
        "Dependencies",
        {
            "release_dependencies": Option(
                "list",
                help="Brokers, partners, nodes of a blockchain: checks of service_info (tcp, http, json_rpc).",
                allowed="a list of the checks of service_info",
                each=service_schema.check_option(),
            ),
        },
        passed_through=True,
    )
)
