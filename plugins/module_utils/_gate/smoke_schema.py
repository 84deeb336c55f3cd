# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a smoke check may say, in the inventory and in the module's options alike."""

from __future__ import annotations

from .._common.schema import REQUIRED, Field
from .expect import EXPECTATION

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE")

CHECK = Field(
    "dict",
    allowed="a dictionary that has at least path",
    fields={
        "name": Field("str"),
        "path": Field("str", REQUIRED, pattern="/.*", allowed="a path that begins with /"),
        "method": Field("str", "GET", choices=METHODS),
        "status": Field("int", 200, low=100, high=599),
        "headers": Field("dict"),
        "body": Field("any"),
        "json": Field("list", each=EXPECTATION),
        "save": Field(
            "dict", allowed="a dictionary of names and where in the answer's JSON their values are"
        ),
    },
)
