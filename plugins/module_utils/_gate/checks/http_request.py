# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether a URL answers, and with what is expected."""

from __future__ import annotations

import json
import typing as t

from ..._common.operation import Context
from ..._common.options import Option
from ..http_client import Answer, shown
from . import web
from .base import Assessment, Check, CheckValues, Ports

_OK = 200


class HttpCheck(Check):
    kind = "http"
    ADDRESS = web.URL
    OPTIONS = {
        **web.OPTIONS,
        "method": Option("str", choices=("GET", "HEAD")),
        "status": Option("int", low=100, high=599),
    }

    def ask(self, ports: Ports, check: CheckValues, context: Context) -> tuple[t.Any, float]:
        method = check["method"] or "GET"
        answer = ports.http.request(method, check[self.kind], web.headers_of(check, context), None)
        return answer, answer.seconds

    def judge(self, answer: Answer, check: CheckValues) -> Assessment:
        expected = check["status"] or _OK
        if answer.status != expected:
            return Assessment([f"answered {answer.status}, wanted {expected}: {shown(answer.body)}"])
        if not check["json"]:
            return Assessment()
        try:
            document: t.Any = json.loads(answer.body)
        except ValueError:
            return Assessment([f"the answer is not JSON: {shown(answer.body)}"])
        return web.judge_document(document, check)
