# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Holds the defaults of a role against its argument specs."""

from __future__ import annotations

import typing as t
from pathlib import Path

import yaml

# Variables of the inventory that belong to the whole collection. No role gives them a default.
COLLECTION_WIDE = "release_"
ABSENT = object()


def problems(role: Path) -> list[str]:
    """Everything in which the role's defaults and argument specs disagree."""
    specs_file = role / "meta" / "argument_specs.yml"
    if not specs_file.exists():
        return [f"{role.name}: has no meta/argument_specs.yml"]
    specs = (_load(specs_file) or {}).get("argument_specs") or {}
    defaults = _load(role / "defaults" / "main.yml") or {}
    found = [
        f"{role.name}: entry point {entry} has no tasks/{entry}.yml"
        for entry in specs
        if not (role / "tasks" / f"{entry}.yml").exists()
    ]
    if "main" not in specs:
        found.append(f"{role.name}: has no entry point main in meta/argument_specs.yml")
    documented: set[str] = set()
    for entry, spec in specs.items():
        for name, option in (spec.get("options") or {}).items():
            documented.add(name)
            found += [
                f"{role.name}/{entry}: {name} {problem}"
                for problem in _problems_of_option(role.name, name, option, defaults)
            ]
    found += [
        f"{role.name}: {name} has a default but is in no argument spec"
        for name in defaults
        if name not in documented
    ]
    return sorted(found)


def _problems_of_option(
    role: str, name: str, option: dict[str, t.Any], defaults: dict[str, t.Any]
) -> t.Iterator[str]:
    value, said = defaults.get(name, ABSENT), option.get("default", ABSENT)
    if name.startswith(COLLECTION_WIDE) and not name.startswith(f"{role}_"):
        if value is not ABSENT:
            yield "belongs to the whole collection; a role gives it no default"
        return
    if not name.startswith(f"{role}_"):
        yield f"begins neither with {role}_ nor with {COLLECTION_WIDE}"
    if option.get("required"):
        if value is not ABSENT:
            yield "is required, yet has a default"
    elif value is ABSENT:
        yield "is optional, yet has no default in defaults/main.yml"
    elif said is not ABSENT and said != value:
        yield f"has the default {value!r} in defaults/main.yml, {said!r} in the argument spec"
    elif said is ABSENT and not _computed(value):
        yield f"has the default {value!r} in defaults/main.yml, none in the argument spec"


def _computed(value: t.Any) -> bool:
    """A template is told in words in the description; a missing value has nothing to tell."""
    return value is None or (isinstance(value, str) and "{{" in value)


def _load(file: Path) -> t.Any:
    return yaml.safe_load(file.read_text()) if file.exists() else None
