# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a smoke check may say, in the inventory and in the module's options alike."""

from __future__ import annotations

from .._common.options import REQUIRED, Option
from .expect import EXPECTATION

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

CHECK = Option(
    "dict",
    allowed="a dictionary that has at least path",
    fields={
        "name": Option("str"),
        "path": Option("str", REQUIRED, pattern="/.*", allowed="a path that begins with /"),
        "method": Option("str", "GET", choices=METHODS),
        "status": Option("int", 200, low=100, high=599),
        "headers": Option("dict"),
        "body": Option("raw"),
        "json": Option("list", each=EXPECTATION),
        "save": Option(
            "dict", allowed="a dictionary of names and where in the answer's JSON their values are"
        ),
    },
)
