# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What checks over HTTP share: addresses, authentication, expectations of a JSON document."""

from __future__ import annotations

import base64
import typing as t

from ..._common.operation import Context
from ..._common.options import Option
from ..expect import EXPECTATION, MISSING, value_at, violation
from .base import Assessment, CheckValues

URL = Option(
    "str",
    help="A URL.",
    pattern=r"https?://\S+",
    allowed="a URL that begins with http:// or https://",
)
OPTIONS = {
    "headers": Option("dict"),
    "user": Option("str"),
    "password": Option("str"),
    "json": Option("list", each=EXPECTATION),
}


def headers_of(check: CheckValues, context: Context) -> dict[str, str]:
    """Its own, and those of basic authentication, which nobody gets to see."""
    headers: dict[str, str] = {}
    if check["user"] is not None:
        credentials = base64.b64encode(f"{check['user']}:{check['password'] or ''}".encode()).decode()
        context.redact.learn(credentials)
        headers["Authorization"] = f"Basic {credentials}"
    return {**headers, **(check["headers"] or {})}


def judge_document(document: t.Any, check: CheckValues) -> Assessment:
    """A JSON document against what is expected of it."""
    reasons, values = [], {}
    for expectation in check["json"] or []:
        value = value_at(document, expectation["path"])
        if value is not MISSING:
            values[expectation["path"]] = value
        if problem := violation(document, expectation):
            reasons.append(problem)
    return Assessment(reasons, values)
