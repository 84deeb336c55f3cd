# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether the services that a platform leans on answer, and answer what is expected: TCP, HTTP, JSON-RPC."""

from __future__ import annotations

import base64
import dataclasses
import json
import socket
import typing as t

from .._common.errors import InputError, Unavailable
from .._common.operation import Context, Operation, Result
from .._common.options import REQUIRED, Option, validate
from .expect import MISSING, at, unmet
from .http import Answer, Http, OpenUrl, encode, shown
from .service_schema import CHECK, kind, problems, title

_PAUSE_SECONDS = 1.0
# Of an error of JSON-RPC the status is 200, 404, 500 or another, by the server; the answer tells.
_DENIED = (401, 403)


class Tcp(t.Protocol):
    def connect(self, host: str, port: int) -> float:
        """Connects and hangs up; gives the seconds it took, raises Unavailable."""


class Sockets:
    def __init__(self, context: Context) -> None:
        self._timeout, self._now = context.params["request_timeout"], context.clock.now

    def connect(self, host: str, port: int) -> float:
        began = self._now()
        try:
            with socket.create_connection((host, port), self._timeout):
                return self._now() - began
        except OSError as exc:
            raise Unavailable(f"{host}:{port} does not accept connections.", why=[str(exc)]) from exc


@dataclasses.dataclass(frozen=True)
class Ports:
    http: Http
    tcp: Tcp

    @classmethod
    def of(cls, context: Context) -> Ports:
        return cls(OpenUrl(context), Sockets(context))


@dataclasses.dataclass
class Seen:
    """What one attempt at a check found."""

    seconds: float | None = None
    wrong: list[str] = dataclasses.field(default_factory=list)
    values: dict[str, t.Any] = dataclasses.field(default_factory=dict)


def run(ports: Ports, context: Context) -> Result:
    """Every check is made, also after a failed one: the person wants to know all that is broken."""
    wrong: list[str] = []
    checks = validate("checks", context.params["checks"], Option("list", each=CHECK), wrong)
    wrong += problems(checks, context.params["checks"])
    if wrong:
        raise InputError("The checks are not well-formed; nothing was asked.", why=wrong)
    told, values = [], {}
    for check in checks:
        report, values[title(check)] = _made(ports, check, context)
        told.append(report)
    reasons = [f"{report['name']}: {report['reason']}" for report in told if not report["healthy"]]
    return Result(False, values={"healthy": not reasons, "reasons": reasons, "checks": told, "found": values})


def _made(
    ports: Ports, check: dict[str, t.Any], context: Context
) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
    attempts, seen = max(1, context.params["attempts"]), Seen()
    for attempt in range(1, attempts + 1):
        seen = _tried(ports, check, context)
        if not seen.wrong or attempt == attempts:
            break
        context.clock.sleep(_PAUSE_SECONDS)
    milliseconds = None if seen.seconds is None else round(seen.seconds * 1000)
    reason = context.redact.text("; ".join(seen.wrong))
    context.say(
        f"{title(check)}: {'ok' if not seen.wrong else 'FAILED, ' + reason}"
        + (f" ({milliseconds} ms)" if milliseconds is not None else "")
    )
    report = {
        "name": title(check),
        "healthy": not seen.wrong,
        "milliseconds": milliseconds,
        "attempts": attempt,
        "reason": reason,
    }
    return report, seen.values


def _tried(ports: Ports, check: dict[str, t.Any], context: Context) -> Seen:
    try:
        if kind(check) == "tcp":
            host, _colon, port = check["tcp"].rpartition(":")
            seen = Seen(ports.tcp.connect(host.strip("[]"), int(port)))
        else:
            answer = _asked(ports.http, check, context)
            seen = judged(answer, check)
    except Unavailable as exc:
        # A name alone does not tell where to look.
        return Seen(wrong=[*([check[kind(check)]] if check["name"] else []), *(exc.why or [exc.what])])
    limit = check["max_milliseconds"]
    if limit is not None and seen.seconds is not None and seen.seconds * 1000 > limit:
        seen.wrong.append(f"took {seen.seconds * 1000:.0f} ms, allowed are {limit}")
    return seen


def _asked(http: Http, check: dict[str, t.Any], context: Context) -> Answer:
    headers: dict[str, str] = {}
    if check["user"] is not None:
        given = base64.b64encode(f"{check['user']}:{check['password'] or ''}".encode()).decode()
        context.redact.learn(given)
        headers["Authorization"] = f"Basic {given}"
    if kind(check) == "http":
        return http.request(
            check["method"] or "GET", check["http"], {**headers, **(check["headers"] or {})}, None
        )
    version = check["version"] or "2.0"
    body, of_body = encode(
        {
            "jsonrpc": version,
            "id": "runbook.release",
            "method": check["call"],
            "params": check["params"] if check["params"] else [],
        }
    )
    return http.request("POST", check["json_rpc"], {**of_body, **headers, **(check["headers"] or {})}, body)


def judged(answer: Answer, check: dict[str, t.Any]) -> Seen:
    """What an answer shows; pure."""
    seen, rpc = Seen(answer.seconds), kind(check) == "json_rpc"
    if rpc and answer.status in _DENIED:
        seen.wrong = [f"answered {answer.status}, so it does not know this user"]
        return seen
    wanted = check["status"] or 200
    if not rpc and answer.status != wanted:
        seen.wrong = [f"answered {answer.status}, wanted {wanted}: {shown(answer.body)}"]
        return seen
    if not rpc and not check["json"]:
        return seen
    try:
        document = json.loads(answer.body)
    except ValueError:
        seen.wrong = [
            f"the answer is not JSON: {shown(answer.body)}"
            if answer.status == wanted
            else f"answered {answer.status}: {shown(answer.body)}"
        ]
        return seen
    if rpc and (problem := _rpc_problem(document)):
        seen.wrong = [problem]
        return seen
    for expectation in check["json"] or []:
        value = at(document, expectation["path"])
        if value is not MISSING:
            seen.values[expectation["path"]] = value
        if problem := unmet(document, expectation):
            seen.wrong.append(problem)
    return seen


def _rpc_problem(document: t.Any) -> str:
    """Version 1.0 has both members, one of them null; 2.0 has one of them."""
    error = document.get("error") if isinstance(document, dict) else None
    if error is not None:
        return (
            f"error {error.get('code')}: {error.get('message')}"
            if isinstance(error, dict)
            else f"error: {error}"
        )
    return "" if isinstance(document, dict) and "result" in document else "the answer is none of JSON-RPC"


OPERATION = Operation(
    {
        "checks": Option("list", REQUIRED, each=Option("dict")),
        "attempts": Option("int", 3, low=1),
        "request_timeout": Option("int", 10, low=1),
        "validate_certs": Option("bool", True),
    },
    Ports.of,
    run,
)
