# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether a node answers a call of JSON-RPC, and with what is expected."""

from __future__ import annotations

import json
import typing as t

from ..._common.operation import Context
from ..._common.options import Option
from ..http_client import Answer, encode, shown
from . import web
from .base import Assessment, Check, CheckValues, Ports

# Of an error of JSON-RPC the status is 200, 404, 500 or another, by the server; the answer says more.
_DENIED = (401, 403)
_OK = 200
_CALL_ALLOWED = "the name of a method that only reads, as in getblockchaininfo"


class JsonRpcCheck(Check):
    kind = "json_rpc"
    ADDRESS = web.URL
    OPTIONS = {
        **web.OPTIONS,
        "call": Option("str", allowed=_CALL_ALLOWED),
        "params": Option("raw"),
        "version": Option("str", choices=("1.0", "2.0")),
    }

    def problems(self, check: CheckValues) -> t.Iterator[tuple[str, str]]:
        if not check["call"]:
            yield "call", f"is missing; allowed: {_CALL_ALLOWED}"

    def ask(self, ports: Ports, check: CheckValues, context: Context) -> tuple[t.Any, float]:
        call = {
            "jsonrpc": check["version"] or "2.0",
            "id": "runbook.release",
            "method": check["call"],
            "params": check["params"] or [],
        }
        body, of_body = encode(call)
        headers = {**of_body, **web.headers_of(check, context)}
        answer = ports.http.request("POST", check[self.kind], headers, body)
        return answer, answer.seconds

    def judge(self, answer: Answer, check: CheckValues) -> Assessment:
        if answer.status in _DENIED:
            return Assessment([f"answered {answer.status}, so it does not know this user"])
        try:
            document = json.loads(answer.body)
        except ValueError:
            what = "the answer is not JSON" if answer.status == _OK else f"answered {answer.status}"
            return Assessment([f"{what}: {shown(answer.body)}"])
        problem = _problem(document)
        return Assessment([problem]) if problem else web.judge_document(document, check)


def _problem(document: t.Any) -> str:
    """Version 1.0 has both members, one of them null; 2.0 has one of them."""
    if not isinstance(document, dict):
        return "the answer is not a JSON-RPC response"
    error = document.get("error")
    if isinstance(error, dict):
        return f"error {error.get('code')}: {error.get('message')}"
    if error is not None:
        return f"error: {error}"
    return "" if "result" in document else "the answer is not a JSON-RPC response"
