# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""pgBackRest in memory: answers as 2.45 does, and keeps what it was asked."""

from __future__ import annotations

import json
import typing as t

from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest import repository
from ansible_collections.runbook.release.plugins.module_utils._postgresql.pgbackrest.programs import (
    ProgramResult,
)

GIVEN = {
    "stanza": "shop",
    "config": None,
    "repo": None,
    "program": "true",
    "user": "postgres",
    "wal_segment_bytes": 16777216,
}
NOW = 1_000_000


def backup(number: t.Any, kind: str = "full", age: int = 100, **more: t.Any) -> t.Any:
    letter = {"full": "F", "diff": "D", "incr": "I"}[kind]
    return {
        "label": f"20261121-00000{number}{letter}",
        "type": kind,
        "timestamp": {"start": NOW - age - 5, "stop": NOW - age},
        "info": {"size": 1000, "repository": {"delta": 100}},
        "error": False,
        "archive": {"start": segment(number), "stop": segment(number)},
        "database": {"id": 1},
        **more,
    }


def segment(number: t.Any) -> t.Any:
    return f"{1:08X}{0:08X}{number:08X}"


class PgBackRestPrograms:
    def __init__(self, *backups: t.Any, segments: t.Any = (), code: int = 0, message: str = "ok") -> None:
        self.backups, self.there, self.status, self.ran, self.fails = (
            list(backups),
            list(segments),
            (code, message),
            list[str](),
            dict[str, int](),
        )

    def run(self, argv: t.Any) -> t.Any:
        command = next(part for part in argv[1:] if not part.startswith("--"))
        options = [
            part for part in argv[1:] if part.startswith("--") and not part.startswith(("--log", "--stanza"))
        ]
        self.ran.append(" ".join([command, *options]))
        if command in self.fails:
            return ProgramResult(self.fails[command], "", f"ERROR: [{self.fails[command]:03}]: refused\n")
        if command == "info":
            return ProgramResult(0, json.dumps([self._info()]), "")
        if command == "repo-ls":
            files = {
                f"0000000100000000/{name}-{'a' * 40}.zst": {"type": "file", "time": NOW - 30}
                for name in self.there
            }
            return ProgramResult(
                0, json.dumps({".": {"type": "path"}, "00000002.history": {"type": "file"}, **files}), ""
            )
        if command == "backup":
            given = dict(
                option.removeprefix("--annotation=").split("=")
                for option in options
                if option.startswith("--annotation")
            )
            kind = next(option for option in options if option.startswith("--type=")).removeprefix("--type=")
            self.backups.append(backup(len(self.backups) + 1, kind, 0, annotation=given))
        if command == "annotate":
            self.backups[-1].setdefault("annotation", {}).update(
                option.removeprefix("--annotation=").split("=") for option in options[1:]
            )
        return ProgramResult(0, "", "")

    def _info(self) -> t.Any:
        code, message = self.status
        return {
            "name": "shop",
            "status": {"code": code, "message": message, "lock": {"backup": {"held": False}}},
            "db": [{"id": 1, "version": "15"}],
            "archive": [{"id": "15-1", "database": {"id": 1}}] if self.there else [],
            "backup": self.backups,
        }


def of(programs: t.Any, context: t.Any) -> t.Any:
    return repository.Repository(programs, repository.RepositoryAccess.of(context.params))
