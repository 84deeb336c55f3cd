# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a check of a service may say: the keys of all kinds, and which of them go together."""

from __future__ import annotations

import typing as t

from .._common.options import Option, Options, describe
from .checks.base import CheckValues
from .checks.registry import CHECKS


def check_option() -> Option:
    """With the kinds that are registered by now."""
    kinds = {kind: check.ADDRESS for kind, check in CHECKS.items()}
    others: dict[str, Option] = {}
    for check in CHECKS.values():
        others.update(check.OPTIONS)
    fields: Options = {
        "name": Option("str"),
        **kinds,
        **others,
        "max_milliseconds": Option("int", low=1),
    }
    return Option("dict", allowed=f"a dictionary that has one of {_list(CHECKS)}", fields=fields)


def problems(
    checks: t.Sequence[dict[str, t.Any] | None], raw: t.Sequence[dict[str, t.Any]], variable: str = "checks"
) -> list[str]:
    """What no single key shows: which of them go together.

    :param raw: the checks as they were given; what is wrong in itself is no more in ``checks``.
    :param variable: what the user knows them by.
    """
    titles = [title(check) for check in checks if check and kind(check)]
    wrong: list[str] = []
    for index, check in enumerate(checks):
        if check is not None:
            where = f"{variable}[{index}]" + (f" ({check['name']})" if check["name"] else "")
            wrong += [f"{where}{problem}" for problem in _problems(check, raw[index], titles)]
    return wrong


def _problems(
    check: dict[str, t.Any], raw: t.Mapping[str, t.Any], titles: t.Sequence[str]
) -> t.Iterator[str]:
    given = [name for name in CHECKS if raw.get(name) is not None]
    if len(given) != 1:
        found = " and ".join(given) or "none of them"
        yield f": found {found}; allowed: exactly one of {', '.join(CHECKS)}"
        return
    for key, text in CHECKS[given[0]].problems(check):
        yield f".{key}: {text}"
    if kind(check) and titles.count(title(check)) > 1:
        yield f".name: found {describe(title(check))} more than once; allowed: a name of its own"
    for key, kinds in _kinds_by_key().items():
        if check[key] is not None and given[0] not in kinds:
            yield f".{key}: found with {given[0]}; allowed: only with {' or '.join(kinds)}"


def _kinds_by_key() -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for name, check in CHECKS.items():
        for key in check.OPTIONS:
            found.setdefault(key, []).append(name)
    return found


def kind(check: CheckValues) -> str:
    return next((name for name in CHECKS if check[name] is not None), "")


def title(check: CheckValues) -> str:
    return str(check["name"] or check[kind(check)])


def _list(names: t.Iterable[str]) -> str:
    *first, last = names
    return f"{', '.join(first)} and {last}"
