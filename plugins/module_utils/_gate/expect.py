# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What is expected of an answer in JSON: pure."""

from __future__ import annotations

import json
import typing as t

from .._common.options import REQUIRED, Option

MISSING = object()

EXPECTATION = Option(
    "dict",
    allowed="a dictionary with path and what is expected there",
    fields={
        "path": Option("str", REQUIRED, allowed="where in the answer's JSON, as in data.items.0.id"),
        "equals": Option("raw"),
        "exists": Option("bool"),
        "length_min": Option("int", low=0),
        "min": Option("float"),
        "max": Option("float"),
        "lag_behind": Option("str", allowed="where in the answer's JSON the number is that this one follows"),
        "max_lag": Option("float", 0),
    },
)


def value_at(document: t.Any, path: str) -> t.Any:
    """The value at a dotted path, list elements by number; a sentinel when there is none."""
    for part in path.split("."):
        if isinstance(document, dict) and part in document:
            document = document[part]
        elif isinstance(document, list) and part.isdigit() and int(part) < len(document):
            document = document[int(part)]
        else:
            return MISSING
    return document


def violation(document: t.Any, expectation: dict[str, t.Any]) -> str:
    """What is not as expected; nothing when all is."""
    path, value = expectation["path"], value_at(document, expectation["path"])
    if expectation["exists"] is False:
        return "" if value is MISSING else f"{path} is there, and should not be"
    if value is MISSING:
        return f"{path} is missing in the answer"
    if expectation["equals"] is not None and value != expectation["equals"]:
        return f"{path} is {json.dumps(value)[:80]}, wanted {json.dumps(expectation['equals'])}"
    if expectation["length_min"] is not None and (
        not isinstance(value, (list, dict, str)) or len(value) < expectation["length_min"]
    ):
        return f"{path} has {len(value) if isinstance(value, (list, dict, str)) else 'no'} elements, wanted at least {expectation['length_min']}"
    return _out_of_range(document, expectation, value)


def number(value: t.Any) -> t.Any:
    """A number, also one in a text: 0x10d4f is how Ethereum's nodes write them. None for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float, str)):
        return None
    try:
        return value if not isinstance(value, str) else int(value, 16) if value[:2] == "0x" else float(value)
    except ValueError:
        return None


def _out_of_range(document: t.Any, expectation: dict[str, t.Any], value: t.Any) -> str:
    path, low, high, behind = (expectation[name] for name in ("path", "min", "max", "lag_behind"))
    if low is None and high is None and behind is None:
        return ""
    found = number(value)
    if found is None:
        return f"{path} is {json.dumps(value)[:80]}, wanted a number"
    if low is not None and found < low:
        return f"{path} is {found}, wanted at least {low}"
    if high is not None and found > high:
        return f"{path} is {found}, wanted at most {high}"
    if behind is None:
        return ""
    first = number(value_at(document, behind))
    if first is None:
        return f"{behind} is not a number in the answer"
    if first - found > expectation["max_lag"]:
        return f"{path} is {found}, {first - found} behind {behind} ({first}), at most {expectation['max_lag']} allowed"
    return ""
