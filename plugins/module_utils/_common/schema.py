# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Checks nested input and collects every problem, each
naming the variable, what was found and what is allowed.

Ansible's own validator stops telling where in a list of dicts
a value stands; with nine services that is the question.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from .redact import is_secret_key

REQUIRED = object()


@dataclasses.dataclass(frozen=True)
class Field:
    """One value of the input.

    :param kind: str, int, number (whole or not), bool, list, dict or any.
    :param default: what stands for a missing value; REQUIRED where it has to be given.
    :param allowed: how to say what is allowed, where kind alone does not tell.
    :param pattern: a regular expression the whole string has to match.
    :param low, high: inclusive bounds of a number.
    :param choices: the only values allowed.
    :param each: the Field of every element of a list.
    :param fields: the Fields of a dict with known keys; any other key is a problem.
    """

    kind: str
    default: t.Any = None
    allowed: str = ""
    pattern: str = ""
    low: int | None = None
    high: int | None = None
    choices: tuple[t.Any, ...] = ()
    each: Field | None = None
    fields: dict[str, Field] | None = None

    def says(self) -> str:
        if self.allowed:
            return self.allowed
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        if self.kind == "int":
            span = f" from {self.low}" if self.low is not None else ""
            return "an integer" + span + (f" to {self.high}" if self.high is not None else "")
        return {
            "str": "a string",
            "number": "a number",
            "bool": "true or false",
            "list": "a list",
            "dict": "a dictionary",
        }.get(self.kind, "any value")


def checked(where: str, value: t.Any, field: Field, problems: list[str]) -> t.Any:
    """The value with defaults filled in; what is wrong with it is appended to ``problems``."""
    if value is None:
        if field.default is REQUIRED:
            problems.append(f"{where}: is missing; allowed: {field.says()}")
            return None
        return field.default
    value = _converted(value, field.kind)
    if not _fits(value, field):
        problems.append(f"{where}: found {_shown(where, value)}; allowed: {field.says()}")
        return None
    if field.kind == "list" and field.each:
        return [
            checked(_element(where, index, item), item, field.each, problems)
            for index, item in enumerate(value)
        ]
    if field.kind == "dict" and field.fields:
        for key in value:
            if key not in field.fields:
                problems.append(
                    f"{where}.{key}: unknown key{like(key, field.fields)}; allowed: {', '.join(field.fields)}"
                )
        return {
            key: checked(f"{where}.{key}", value.get(key), inner, problems)
            for key, inner in field.fields.items()
        }
    return value


def found(value: t.Any) -> str:
    """How a wrong value is shown: with its type, because 1.10 and '1.10' look alike."""
    kind = {
        "str": "string",
        "int": "integer",
        "float": "number",
        "bool": "boolean",
        "list": "list",
        "dict": "dictionary",
    }
    name = next(
        (
            said
            for cls, said in (
                (bool, "bool"),
                (int, "int"),
                (float, "float"),
                (str, "str"),
                (list, "list"),
                (dict, "dict"),
            )
            if isinstance(value, cls)
        ),
        "",
    )
    text = repr(str(value)) if isinstance(value, str) else str(value)
    return f"{text if len(text) <= 80 else text[:77] + '...'} ({kind.get(name, type(value).__name__)})"


def _shown(where: str, value: t.Any) -> str:
    return "a value that is not shown" if is_secret_key(where.rpartition(".")[2]) else found(value)


def like(name: str, known: t.Iterable[str]) -> str:
    """' (did you mean X?)' where a known name is close, else nothing."""
    close = difflib.get_close_matches(str(name), [str(item) for item in known], n=1, cutoff=0.7)
    return f" (did you mean {close[0]}?)" if close else ""


def _element(where: str, index: int, item: t.Any) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return f"{where}[{index}]" + (f" ({name})" if isinstance(name, str) else "")


def _converted(value: t.Any, kind: str) -> t.Any:
    """-e key=value gives strings: take digits as a number and true/false as a boolean, nothing else."""
    if isinstance(value, str) and kind == "int" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if isinstance(value, str) and kind == "number" and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    if isinstance(value, str) and kind == "bool" and value.lower() in ("true", "false", "yes", "no"):
        return value.lower() in ("true", "yes")
    return value


def _fits(value: t.Any, field: Field) -> bool:
    cls: t.Any = {
        "str": str,
        "int": int,
        "number": (int, float),
        "bool": bool,
        "list": list,
        "dict": dict,
    }.get(field.kind, object)
    if not isinstance(value, cls) or (field.kind in ("int", "number") and isinstance(value, bool)):
        return False
    if field.choices and value not in field.choices:
        return False
    if field.pattern and not re.fullmatch(field.pattern, value):
        return False
    return (field.low is None or value >= field.low) and (field.high is None or value <= field.high)
