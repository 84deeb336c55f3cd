# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The smoke suite: requests in order, what each answer has to be, and values kept for the requests after it."""

from __future__ import annotations

import json
import string
import typing as t

from .._common.errors import InputError, Unavailable
from .._common.operation import Context, Operation, Result
from .._common.options import REQUIRED, Option, validate
from .expect import MISSING, value_at, violation
from .http_client import OPTIONS, Answer, Http, OpenUrl, encode, shown
from .smoke_schema import CHECK

_PAUSE_SECONDS = 1.0


def run(http: Http, context: Context) -> Result:
    """Every check is made, also after a failed one: the person wants to know all that is broken."""
    problems: list[str] = []
    checks = validate("checks", context.params["checks"], Option("list", each=CHECK), problems)
    if problems:
        raise InputError("The smoke checks are not well-formed; no request was sent.", why=problems)
    if context.check_mode:
        for check in checks:
            context.say(
                f"would check {_title(check)}: {check['method']} {check['path']} -> {check['status']}"
            )
        return Result(
            False,
            values={
                "passed": True,
                "reasons": [],
                "checks": [{"name": _title(check), "passed": None} for check in checks],
            },
        )
    kept: dict[str, str] = {}
    results = [_checked(http, check, kept, context) for check in checks]
    reasons = [f"{result['name']}: {result['reason']}" for result in results if not result["passed"]]
    return Result(False, values={"passed": not reasons, "reasons": reasons, "checks": results})


def failures(answer: Answer, check: dict[str, t.Any]) -> list[str]:
    """What is wrong with the answer; pure."""
    if answer.status != check["status"]:
        return [f"answered {answer.status}, wanted {check['status']}: {shown(answer.body)}"]
    if not check["json"] and not check["save"]:
        return []
    try:
        document = json.loads(answer.body)
    except ValueError:
        return [f"the answer is not JSON: {shown(answer.body)}"]
    found = [wrong for expectation in check["json"] or [] if (wrong := violation(document, expectation))]
    return found + [
        f"{path} is missing in the answer"
        for path in (check["save"] or {}).values()
        if value_at(document, path) in (MISSING, None)
    ]


def _checked(http: Http, check: dict[str, t.Any], kept: dict[str, str], context: Context) -> dict[str, t.Any]:
    attempts, answer, wrong = context.params["attempts"], None, []
    for attempt in range(1, attempts + 1):
        try:
            answer = _ask(http, check, kept, context)
            wrong = failures(answer, check)
        except Unavailable as exc:
            answer, wrong = None, ["; ".join(exc.why)]
        if not wrong or attempt == attempts:
            break
        context.clock.sleep(_PAUSE_SECONDS)
    if answer and not wrong and check["save"]:
        document = json.loads(answer.body)
        for name, path in check["save"].items():
            kept[name] = str(value_at(document, path))
            context.redact.learn(kept[name])
    result = {
        "name": _title(check),
        "passed": not wrong,
        "status": answer.status if answer else None,
        "milliseconds": round(answer.seconds * 1000) if answer else None,
    }
    reason = context.redact.text("; ".join(wrong))
    context.say(
        f"{result['name']}: {'ok' if not wrong else 'FAILED, ' + reason}"
        + (f" ({result['milliseconds']} ms)" if answer else "")
    )
    return {**result, "attempts": attempt, "reason": reason}


def _ask(http: Http, check: dict[str, t.Any], kept: dict[str, str], context: Context) -> Answer:
    body, headers = encode(_filled(check["body"], kept))
    headers.update(_filled(check["headers"] or {}, kept))
    return http.request(
        check["method"], context.params["url"].rstrip("/") + _filled(check["path"], kept), headers, body
    )


def _filled(value: t.Any, kept: dict[str, str]) -> t.Any:
    """``${name}`` stands for a value that an earlier check saved."""
    if isinstance(value, str):
        return string.Template(value).safe_substitute(kept)
    if isinstance(value, dict):
        return {key: _filled(item, kept) for key, item in value.items()}
    return [_filled(item, kept) for item in value] if isinstance(value, list) else value


def _title(check: dict[str, t.Any]) -> str:
    return check["name"] or f"{check['method']} {check['path']}"


OPERATION = Operation(
    {
        "url": Option("str", REQUIRED),
        "checks": Option("list", REQUIRED, each=Option("dict")),
        "attempts": Option("int", 3, low=1),
        **OPTIONS,
    },
    OpenUrl,
    run,
)
