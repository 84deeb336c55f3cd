# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a check of a service may say."""

from __future__ import annotations

import typing as t

from .._common.options import Option, describe
from .expect import EXPECTATION

KINDS = ("tcp", "http", "json_rpc")
# What belongs to which kind; what is not named here belongs to all.
_OF = {
    "method": ("http",),
    "status": ("http",),
    "headers": ("http", "json_rpc"),
    "call": ("json_rpc",),
    "params": ("json_rpc",),
    "version": ("json_rpc",),
}
_OF.update(dict.fromkeys(("user", "password", "json"), ("http", "json_rpc")))
_URL: dict[str, t.Any] = {"pattern": r"https?://\S+", "allowed": "a URL that begins with http:// or https://"}

CHECK = Option(
    "dict",
    allowed="a dictionary that has one of tcp, http and json_rpc",
    fields={
        "name": Option("str"),
        "tcp": Option(
            "str",
            pattern=r"(\[[0-9a-fA-F:]+\]|[^\s:\[\]]+):\d{1,5}",
            allowed="a host and a port, as in broker.example.com:5672",
        ),
        "http": Option("str", **_URL),
        "json_rpc": Option("str", **_URL),
        "method": Option("str", choices=("GET", "HEAD")),
        "status": Option("int", low=100, high=599),
        "headers": Option("dict"),
        "user": Option("str"),
        "password": Option("str"),
        "call": Option("str", allowed="the name of a method that only reads, as in getblockchaininfo"),
        "params": Option("raw"),
        "version": Option("str", choices=("1.0", "2.0")),
        "json": Option("list", each=EXPECTATION),
        "max_milliseconds": Option("int", low=1),
    },
)


def problems(
    checks: t.Sequence[dict[str, t.Any] | None], raw: t.Sequence[dict[str, t.Any]], variable: str = "checks"
) -> list[str]:
    """What no single field tells: which of them go together.

    :param raw: the checks as they were given; what is wrong in itself is no more in ``checks``.
    :param variable: what the user knows them by.
    """
    wrong, names = [], [title(check) for check in checks if check and kind(check)]
    for index, check in enumerate(checks):
        if check is None:
            continue
        where = f"{variable}[{index}]" + (f" ({check['name']})" if check["name"] else "")
        given = [name for name in KINDS if raw[index].get(name) is not None]
        if len(given) != 1:
            wrong.append(
                f"{where}: found {' and '.join(given) or 'none of them'}; allowed: exactly one of {', '.join(KINDS)}"
            )
            continue
        if given == ["json_rpc"] and not check["call"]:
            wrong.append(
                f"{where}.call: is missing; allowed: {CHECK.fields['call'].allowed_text() if CHECK.fields else ''}"
            )
        if kind(check) and names.count(title(check)) > 1:
            wrong.append(
                f"{where}.name: found {describe(title(check))} more than once; allowed: a name of its own"
            )
        wrong += [
            f"{where}.{name}: found with {given[0]}; allowed: only with {' or '.join(_OF[name])}"
            for name in _OF
            if check[name] is not None and given[0] not in _OF[name]
        ]
    return wrong


def kind(check: dict[str, t.Any]) -> str:
    return next((name for name in KINDS if check[name] is not None), "")


def title(check: dict[str, t.Any]) -> str:
    return str(check["name"] or check[kind(check)])
