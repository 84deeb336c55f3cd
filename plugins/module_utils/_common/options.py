# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""One language for everything a user may set: options of modules and variables of the inventory.

Ansible's validator knows no bounds and does not name the element of a list in which a value stands; with nine
services that is the question. So an :class:`Option` renders Ansible's argument spec, checks bounds however
deep, validates the description of the platform, and carries the sentence that the reference is made of.
"""

from __future__ import annotations

import dataclasses
import difflib
import re
import typing as t

from .redact import is_secret_key

REQUIRED = object()

_PYTHON: dict[str, t.Any] = {
    "str": str,
    "path": str,
    "int": int,
    "float": (int, float),
    "bool": bool,
    "list": list,
    "dict": dict,
}
_ANY_OF_KIND = {
    "str": "a string",
    "path": "a path",
    "float": "a number",
    "bool": "true or false",
    "list": "a list",
    "dict": "a dictionary",
}
_NAMES = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "list",
    dict: "dictionary",
}
_LONGEST_SHOWN = 80


@dataclasses.dataclass(frozen=True)
class Option:
    """One value that a user may set.

    :param kind: str, path, int, float (whole or not), bool, list, dict or raw (anything).
    :param default: what stands for a missing value; REQUIRED where it has to be given.
    :param help: what it is for, as a sentence of the reference.
    :param allowed: how to say what is allowed, where the kind alone does not tell.
    :param pattern: a regular expression that the whole string has to match.
    :param low, high: inclusive bounds of a number.
    :param choices: the only values allowed.
    :param secret: whether Ansible hides it; None leaves that to its name.
    :param each: what every element of a list is.
    :param fields: the keys of a dictionary; any other key is a problem.
    :param constraints: between the keys of a dictionary, by Ansible's names: ``mutually_exclusive`` and the like.
    """

    kind: str
    default: t.Any = None
    help: str = ""
    allowed: str = ""
    pattern: str = ""
    low: float | None = None
    high: float | None = None
    choices: t.Sequence[t.Any] = ()
    secret: bool | None = None
    each: Option | None = None
    fields: t.Mapping[str, Option] | None = None
    constraints: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    def allowed_text(self) -> str:
        if self.allowed:
            return self.allowed
        if self.choices:
            return "one of " + ", ".join(str(choice) for choice in self.choices)
        if self.kind == "int":
            return "an integer" + self._span()
        return _ANY_OF_KIND.get(self.kind, "any value")

    def within_bounds(self, value: float) -> bool:
        return (self.low is None or value >= self.low) and (self.high is None or value <= self.high)

    def bounds_text(self) -> str:
        if self.high is None:
            return f"{self.low} or more"
        if self.low is None:
            return f"{self.high} or less"
        return f"{self.low} to {self.high}"

    def argument_spec(self) -> dict[str, t.Any]:
        """As Ansible's argument spec: bounds and texts are ours and left out, since it refuses unknown keys."""
        spec: dict[str, t.Any] = {"type": self.kind}
        if self.default is REQUIRED:
            spec["required"] = True
        elif self.default is not None:
            spec["default"] = self.default
        if self.secret is not None:
            spec["no_log"] = self.secret
        inner = self
        if self.each is not None:
            inner = self.each
            spec["elements"] = inner.kind
        if inner.choices:
            spec["choices"] = list(inner.choices)
        if inner.fields is not None:
            spec["options"] = argument_spec(inner.fields)
        spec.update(inner.constraints)
        return spec

    def _span(self) -> str:
        low = f" from {self.low}" if self.low is not None else ""
        high = f" to {self.high}" if self.high is not None else ""
        return low + high


Options = t.Mapping[str, Option]


def argument_spec(options: Options) -> dict[str, t.Any]:
    return {name: option.argument_spec() for name, option in options.items()}


def without_defaults(options: Options) -> dict[str, Option]:
    """The same options for a dictionary of the inventory that is handed on as it is: what is not given stays so."""
    return {
        name: option if option.default is REQUIRED else dataclasses.replace(option, default=None)
        for name, option in options.items()
    }


def out_of_bounds(options: Options, values: t.Mapping[str, t.Any], where: str = "") -> t.Iterator[str]:
    """What Ansible's validator lets through: numbers beyond their bounds, however deep."""
    for name, option in options.items():
        yield from _out_of_bounds(f"{where}{name}", values.get(name), option)


def _out_of_bounds(where: str, value: t.Any, option: Option) -> t.Iterator[str]:
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        if not option.within_bounds(value):
            yield f"{where}: found {value}; allowed: {option.bounds_text()}"
    elif isinstance(value, list) and option.each is not None:
        for index, item in enumerate(value):
            yield from _out_of_bounds(_element(where, index, item), item, option.each)
    elif isinstance(value, dict) and option.fields is not None:
        yield from out_of_bounds(option.fields, value, f"{where}.")


def validate(where: str, value: t.Any, option: Option, problems: list[str]) -> t.Any:
    """The value with defaults filled in; what is wrong with it is appended to ``problems``."""
    if value is None:
        if option.default is REQUIRED:
            problems.append(f"{where}: is missing; allowed: {option.allowed_text()}")
            return None
        return option.default
    value = _converted(value, option.kind)
    if not _fits(value, option):
        problems.append(f"{where}: found {_shown(where, value)}; allowed: {option.allowed_text()}")
        return None
    if option.kind == "list" and option.each:
        return [
            validate(_element(where, index, item), item, option.each, problems)
            for index, item in enumerate(value)
        ]
    if option.kind == "dict" and option.fields:
        return _validated_fields(where, value, option.fields, problems)
    return value


def _validated_fields(
    where: str, value: t.Mapping[str, t.Any], fields: Options, problems: list[str]
) -> dict[str, t.Any]:
    for key in value:
        if key not in fields:
            known = ", ".join(fields)
            problems.append(f"{where}.{key}: unknown key{did_you_mean(key, fields)}; allowed: {known}")
    return {
        key: validate(f"{where}.{key}", value.get(key), option, problems) for key, option in fields.items()
    }


def describe(value: t.Any) -> str:
    """How a wrong value is shown: with its type, because 1.10 and '1.10' look alike."""
    kind = next((name for cls, name in _NAMES.items() if isinstance(value, cls)), type(value).__name__)
    text = repr(str(value)) if isinstance(value, str) else str(value)
    if len(text) > _LONGEST_SHOWN:
        text = text[: _LONGEST_SHOWN - 3] + "..."
    return f"{text} ({kind})"


def did_you_mean(name: str, known: t.Iterable[str]) -> str:
    """' (did you mean X?)' where a known name is close, else nothing."""
    close = difflib.get_close_matches(str(name), [str(item) for item in known], n=1, cutoff=0.7)
    return f" (did you mean {close[0]}?)" if close else ""


def _shown(where: str, value: t.Any) -> str:
    return "a value that is not shown" if is_secret_key(where.rpartition(".")[2]) else describe(value)


def _element(where: str, index: int, item: t.Any) -> str:
    name = item.get("name") if isinstance(item, dict) else None
    return f"{where}[{index}]" + (f" ({name})" if isinstance(name, str) else "")


def _converted(value: t.Any, kind: str) -> t.Any:
    """-e key=value gives strings: take digits as a number and true/false as a boolean, nothing else."""
    if not isinstance(value, str):
        return value
    if kind == "int" and re.fullmatch(r"-?\d+", value):
        return int(value)
    if kind == "float" and re.fullmatch(r"-?\d+(\.\d+)?", value):
        return float(value)
    if kind == "bool" and value.lower() in ("true", "false", "yes", "no"):
        return value.lower() in ("true", "yes")
    return value


def _fits(value: t.Any, option: Option) -> bool:
    is_number = option.kind in ("int", "float")
    if not isinstance(value, _PYTHON.get(option.kind, object)) or (is_number and isinstance(value, bool)):
        return False
    if option.choices and value not in option.choices:
        return False
    if option.pattern and not re.fullmatch(option.pattern, value):
        return False
    return not is_number or option.within_bounds(value)
