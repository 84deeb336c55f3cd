# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Lints pending SQL with squawk, a program of its own (pip install squawk-cli)."""

from __future__ import annotations

import dataclasses
import json
import os
import re
import shutil
import sys
import typing as t

from ...._common.errors import InputError, ReleaseError
from ...._common.options import did_you_mean
from ..files import Migration
from ..programs.supervised import Programs

BLOCKING = (
    "adding-foreign-key-constraint",
    "adding-not-nullable-field",
    "adding-required-field",
    "ban-concurrent-index-creation-in-transaction",
    "ban-drop-column",
    "ban-drop-database",
    "ban-drop-table",
    "changing-column-type",
    "constraint-missing-not-valid",
    "renaming-column",
    "renaming-table",
    "require-concurrent-index-creation",
    "require-concurrent-index-deletion",
    "syntax-error",
)
# The session sets these limits itself.
_OURS = ("require-timeout-settings", "require-lock-timeout", "require-statement-timeout")
_SECONDS = 60.0
_NO_RULE = re.compile(r"invalid rule name (\S+)")


@dataclasses.dataclass(frozen=True)
class LintFinding:
    """
    :ivar line: from 1; squawk itself counts from 0.
    :ivar blocks: whether the migration is not run because of it.
    """

    migration: str
    rule: str
    line: int
    message: str
    blocks: bool

    def as_result(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    def __str__(self) -> str:
        return f"{self.migration}, line {self.line}: {self.rule}: {self.message}"


def lint(
    programs: Programs, migrations: t.Sequence[Migration], server_version: int, blocking: t.Sequence[str]
) -> list[LintFinding]:
    """
    :param blocking: names of rules that block; findings of others are only reported.
    """
    found: list[LintFinding] = []
    for whole in (True, False):
        chosen = [
            one
            for one in migrations
            if one.up is not None and (one.transaction and not one.makes_its_transaction) == whole
        ]
        if chosen:
            found += _findings(
                _run(programs, chosen, server_version, whole, blocking),
                {one.path: one.name for one in chosen},
                set(blocking),
            )
    order = {migration.name: index for index, migration in enumerate(migrations)}
    return sorted(found, key=lambda finding: (order[finding.migration], finding.line, finding.rule))


def _run(
    programs: Programs,
    migrations: t.Sequence[Migration],
    server_version: int,
    whole: bool,
    blocking: t.Sequence[str],
) -> str:
    arguments = [
        _program(),
        "--reporter=json",
        f"--exclude={','.join(_OURS)}",
        f"--pg-version={server_version // 10000}.0",
    ]
    arguments += ["--assume-in-transaction"] if whole else []
    # Rules of the user's own may be off by default, or misspelt.
    more = sorted(set(blocking).difference(BLOCKING))
    arguments += [f"--include={','.join(more)}"] if more else []
    ended = programs.run([*arguments, "--", *(migration.path for migration in migrations)], {}, ".", _SECONDS)
    if unknown := _NO_RULE.search(ended.err):
        raise InputError(
            f"lint_block: found {unknown[1]}{did_you_mean(unknown[1], BLOCKING)}; allowed: rules of squawk, https://squawkhq.com/docs/rules"
        )
    if ended.code not in (0, 1):  # 1 is what it says where it found something
        raise ReleaseError(
            "squawk did not run.",
            why=[ended.said[:500] or "it did not end"],
            then="fix it, or set lint to skip",
        )
    return ended.out


def _program() -> str:
    beside = os.path.join(
        os.path.dirname(sys.executable), "squawk"
    )  # where pip puts it, which need not be in the PATH
    program = shutil.which("squawk") or (beside if os.access(beside, os.X_OK) else None)
    if not program:
        raise ReleaseError(
            "squawk, which lints migrations, is missing where this task runs; nothing was changed.",
            then="pip install squawk-cli for the Python that runs it, or set lint to skip",
        )
    return program


def _findings(out: str, names: t.Mapping[str, str], blocking: set[str]) -> t.Iterator[LintFinding]:
    try:
        found = json.loads(out or "[]")
    except ValueError as exc:
        raise ReleaseError(
            "squawk did not answer with JSON.", why=[out[:500]], then="fix it, or set lint to skip"
        ) from exc
    for one in found:
        yield LintFinding(
            names[one["file"]],
            one["rule_name"],
            int(one["line"]) + 1,
            " ".join(one["message"].split()),
            one["rule_name"] in blocking,
        )
