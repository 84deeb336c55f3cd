# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the documentation says and what the code takes, side by side."""

from __future__ import annotations

import functools
import importlib
import json
import os
import subprocess
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
NAME = "runbook.release"
# What an option is when neither side says so.
UNSAID: dict[str, t.Any] = {
    "type": "str",
    "required": False,
    "default": None,
    "choices": None,
    "elements": None,
    "aliases": [],
}

Options = dict[str, t.Any]


def plugins(kind: str) -> list[str]:
    """The names of the public plugins of a kind."""
    return sorted(file.stem for file in (ROOT / "plugins" / kind).glob("[!_]*.py"))


@functools.cache
def documentation(root: Path = ROOT) -> dict[str, dict[str, t.Any]]:
    """By kind and full name: the documentation as users get it,
    fragments merged in. Read once: it takes five seconds of a processor.
    """
    environment = {**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(root / ".collections")}
    command = ["ansible-doc", "--metadata-dump", "--no-fail-on-errors", NAME, "--type"]
    found: dict[str, dict[str, t.Any]] = {}
    for kind in ("module", "filter", "lookup", "callback", "test"):
        answer = subprocess.run(
            [*command, kind], env=environment, cwd=root, capture_output=True, text=True, check=True
        )
        found[kind] = json.loads(answer.stdout)["all"].get(kind, {})
    return found


class _SpecTaken(Exception):
    def __init__(self, spec: Options) -> None:
        super().__init__("the argument spec is known; the module need not run")
        self.spec = spec


def argument_spec(module: str) -> Options:
    """What the module's main() hands to AnsibleModule."""
    from unittest import mock

    def take(self: t.Any, argument_spec: Options, **others: t.Any) -> None:
        raise _SpecTaken(argument_spec)

    main = importlib.import_module(f"ansible_collections.{NAME}.plugins.modules.{module}").main
    with mock.patch("ansible.module_utils.basic.AnsibleModule.__init__", take):
        try:
            main()
        except _SpecTaken as taken:
            return taken.spec
    raise AssertionError(f"{module}: main() made no AnsibleModule")


def disagreements(where: str, documented: Options, taken: Options) -> list[str]:
    """Every difference between the options documented and the argument spec, suboptions included."""
    problems = [
        f"{where}.{name}: in the argument spec, not in the documentation"
        for name in taken.keys() - documented.keys()
    ]
    problems += [
        f"{where}.{name}: in the documentation, not in the argument spec"
        for name in documented.keys() - taken.keys()
    ]
    for name in sorted(documented.keys() & taken.keys()):
        said, is_ = documented[name], taken[name]
        for key, unsaid in UNSAID.items():
            left, right = said.get(key, unsaid), is_.get(key, unsaid)
            if _plain(left) != _plain(right):
                problems.append(
                    f"{where}.{name}: {key} is {left!r} in the documentation, {right!r} in the argument spec"
                )
        problems += disagreements(f"{where}.{name}", said.get("suboptions") or {}, is_.get("options") or {})
    return sorted(problems)


def _plain(value: t.Any) -> t.Any:
    return list(value) if isinstance(value, (list, tuple)) else value
