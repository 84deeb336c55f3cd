# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Checks of the data itself, in the user's own SQL: a number, its allowed range, and how far it may change
during a release.
"""

from __future__ import annotations

import decimal
import typing as t

from ..._common.errors import InputError
from ..._common.options import REQUIRED, Option, describe
from ..session import DatabaseError, Session, Unreachable

OPTIONS: dict[str, Option] = {
    "queries": Option(
        "list",
        [],
        each=Option(
            "dict",
            fields={
                "name": Option("str", REQUIRED),
                "sql": Option("str", REQUIRED),
                "min": Option("float"),
                "max": Option("float"),
                "max_drop_percent": Option("float", low=0),
                "max_rise_percent": Option("float", low=0),
            },
        ),
    ),
    "query_timeout": Option("int", 10, low=1, high=3600),
    "before": Option("dict"),
}

Query = dict[str, t.Any]
_DENIED = "42501"
# SQLSTATEs of a text that cannot run here.
_WRONG = {"25006": "it writes", "42601": "it is not a single SELECT", "0A000": "it is not a plain SELECT"}


def problems(queries: t.Sequence[Query]) -> list[str]:
    """What is wrong with the queries themselves, before any is run."""
    wrong, names = [], [query["name"] for query in queries]
    for index, query in enumerate(queries):
        where, low, high = f"queries[{index}] ({query['name']})", query["min"], query["max"]
        if names.count(query["name"]) > 1:
            wrong.append(
                f"{where}.name: found {describe(query['name'])} more than once; allowed: a name of its own"
            )
        if low is not None and high is not None and low > high:
            wrong.append(f"{where}.min: found {low:g}, more than its max {high:g}; allowed: at most max")
        if not query["sql"].strip():
            wrong.append(f"{where}.sql: found nothing; allowed: a SELECT of one number")
    return wrong


def ask(session: Session, query: Query, timeout: int) -> tuple[t.Any, str, str]:
    """(value, reason, unknown): the value; or why it is not healthy, or why it is not known, that there is none."""
    # As a subquery with a parameter, because then the server accepts a single statement only, and no COMMIT.
    sql = query["sql"].strip().rstrip(";").replace("%", "%%")
    try:
        session.execute("BEGIN READ ONLY")
        try:
            session.execute(f"SET LOCAL statement_timeout = {int(timeout) * 1000}")
            rows = session.rows(f"SELECT * FROM (\n{sql}\n) AS asked LIMIT %s", [2])
        finally:
            session.execute(
                "ROLLBACK"
            )  # before PostgreSQL 16 a function can write large objects in a read-only transaction
    except Unreachable:
        raise
    except DatabaseError as exc:
        if exc.sqlstate == _DENIED:
            return None, "", exc.what
        if exc.sqlstate in _WRONG:
            raise InputError(
                f"queries ({query['name']}).sql: found a statement that cannot be run, {_WRONG[exc.sqlstate]}; allowed: a SELECT of one number",
                why=[exc.what],
                done="nothing was changed",
            ) from exc
        return None, exc.what, ""
    if len(rows) != 1 or len(rows[0]) != 1:
        many = "more than one row"
        if not rows:
            many = "no row"
        elif len(rows[0]) != 1:
            many = f"{len(rows[0])} columns"
        return None, f"answered {many}, expected one number", ""
    value = rows[0][0]
    if isinstance(value, decimal.Decimal):
        value = int(value) if value == value.to_integral_value() else float(value)
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        shown = "NULL" if value is None else describe(value)
        return None, f"answered {shown}, expected a number", ""
    return value, "", ""


def reasons(query: Query, value: float, before: float | None) -> list[str]:
    """Why a value is not as expected; pure.

    :param before: the answer before the release; None where it is not known.
    """
    found = []
    if query["min"] is not None and value < query["min"]:
        found.append(f"is {value:g}, at least {query['min']:g} required")
    if query["max"] is not None and value > query["max"]:
        found.append(f"is {value:g}, at most {query['max']:g} allowed")
    if before is None:
        return found
    change = value - before
    for option, by, word in (("max_drop_percent", -change, "fell"), ("max_rise_percent", change, "rose")):
        if query[option] is None or by <= 0:
            continue
        # A rise from zero exceeds every percentage.
        percent = 100 * by / abs(before) if before else float("inf")
        if percent > query[option]:
            found.append(
                f"{word} from {before:g} to {value:g} ({percent:.0f} %), at most {query[option]:g} % allowed"
            )
    return found
