# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Reads the EXAMPLES of a plugin the way a user copies them."""

from __future__ import annotations

import re
import typing as t

import yaml

BLOCKS = ("block", "rescue", "always", "tasks", "pre_tasks", "post_tasks", "handlers")


def problems(where: str, text: str, modules: t.Mapping[str, t.Any], others: t.Collection[str]) -> list[str]:
    """Everything wrong with one EXAMPLES text.

    :param modules: the options by full name of the module.
    :param others: full names of everything else of the collection
        that may be named (filters, roles, playbooks ...).
    """
    try:
        parsed = yaml.safe_load(text)
    except yaml.YAMLError as exc:
        return [f"{where}: does not parse: {exc}"]
    if not isinstance(parsed, list) or not all(isinstance(task, dict) for task in parsed):
        return [f"{where}: is not a list of tasks or plays"]
    found = [problem for task in _tasks(parsed) for problem in _problems_of_task(where, task, modules)]
    for name in re.findall(r"\brunbook\.release\.(\w+)\b", text):
        full = f"runbook.release.{name}"
        if full not in modules and full not in others:
            found.append(f"{where}: names {full}, which does not exist")
    return sorted(set(found))


def _tasks(items: list[dict[str, t.Any]]) -> t.Iterator[dict[str, t.Any]]:
    for item in items:
        yield item
        for key in BLOCKS:
            yield from _tasks(item.get(key) or [])


def _problems_of_task(where: str, task: dict[str, t.Any], modules: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    for name, arguments in task.items():
        if name in modules:
            given = arguments or {}
            if not isinstance(given, dict):
                yield f"{where}: the options of {name} are not a dictionary"
                continue
            yield from _unknown(f"{where}: {name}", given, modules[name])
            missing = [
                option
                for option, said in modules[name].items()
                if said.get("required") and option not in given
            ]
            if missing and "args" not in task:
                yield f"{where}: {name} lacks {', '.join(sorted(missing))}"


def _unknown(where: str, given: dict[str, t.Any], options: t.Mapping[str, t.Any]) -> t.Iterator[str]:
    known = set(options) | {alias for said in options.values() for alias in said.get("aliases") or []}
    for name, value in given.items():
        if name not in known:
            yield f"{where} has no option {name}; there are {', '.join(sorted(options))}"
            continue
        inner = options.get(name, {}).get("suboptions")
        for element in value if isinstance(value, list) else [value]:
            if inner and isinstance(element, dict):
                yield from _unknown(f"{where}.{name}", element, inner)
