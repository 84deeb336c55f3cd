# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether what a platform depends on answers as it should: every kind of check behind one registry."""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.errors import InputError, Unavailable
from .._common.operation import Context, Operation, Result
from .._common.options import REQUIRED, Option, validate
from .._common.verdict import Reason, Verdict
from .checks.base import Assessment, CheckValues, Ports
from .checks.registry import CHECKS
from .checks.tcp import Sockets
from .http_client import OPTIONS, OpenUrl
from .service_schema import check_option, kind, problems, title

_PAUSE_SECONDS = 1.0


@dataclasses.dataclass(frozen=True)
class _Attempt:
    assessment: Assessment
    seconds: float | None


def connect(context: Context) -> Ports:
    return Ports(OpenUrl(context), Sockets(context.params["request_timeout"], context.clock.now))


def run(ports: Ports, context: Context) -> Result:
    """Every check is made, also after a failed one: the person wants to know all that is broken."""
    params = context.params
    wrong: list[str] = []
    checks = validate("checks", params["checks"], Option("list", each=check_option()), wrong)
    wrong += problems(checks, params["checks"])
    if wrong:
        raise InputError("The checks are not well-formed; nothing was asked.", why=wrong)
    reports, values = [], {}
    for check in checks:
        report, values[title(check)] = _made(ports, check, params["attempts"], context)
        reports.append(report)
    failed = [Reason(report["name"], report["reason"]) for report in reports if not report["healthy"]]
    verdict = Verdict(failed).as_result(params["before"])
    return Result(False, values={**verdict, "checks": reports, "found": values})


def _made(
    ports: Ports, check: CheckValues, attempts: int, context: Context
) -> tuple[dict[str, t.Any], t.Mapping[str, t.Any]]:
    """The report of a check, and the values that it found."""
    for number in range(1, attempts + 1):
        attempt = _tried(ports, check, context)
        if not attempt.assessment.reasons or number == attempts:
            break
        context.clock.sleep(_PAUSE_SECONDS)
    reason = context.redact.text("; ".join(attempt.assessment.reasons))
    milliseconds = None if attempt.seconds is None else round(attempt.seconds * 1000)
    took = "" if milliseconds is None else f" ({milliseconds} ms)"
    context.say(f"{title(check)}: {'FAILED, ' + reason if reason else 'ok'}{took}")
    report = {
        "name": title(check),
        "healthy": not reason,
        "milliseconds": milliseconds,
        "attempts": number,
        "reason": reason,
    }
    return report, attempt.assessment.values


def _tried(ports: Ports, check: CheckValues, context: Context) -> _Attempt:
    what = CHECKS[kind(check)]
    try:
        answer, seconds = what.ask(ports, check, context)
    except Unavailable as exc:
        # A name alone does not show which address was asked.
        address = [check[what.kind]] if check["name"] else []
        return _Attempt(Assessment([*address, *(exc.why or [exc.what])]), None)
    assessment = what.judge(answer, check)
    limit = check["max_milliseconds"]
    if limit is not None and seconds * 1000 > limit:
        late = f"took {seconds * 1000:.0f} ms, at most {limit} allowed"
        assessment = Assessment([*assessment.reasons, late], assessment.values)
    return _Attempt(assessment, seconds)


OPERATION = Operation(
    {
        "checks": Option("list", REQUIRED, each=Option("dict")),
        "attempts": Option("int", 3, low=1),
        **OPTIONS,
        "before": Option("dict"),
    },
    connect,
    run,
)
