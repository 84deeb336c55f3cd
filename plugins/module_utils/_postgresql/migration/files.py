# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Migration files: those of a folder in order, with their checksums and their ways down."""

from __future__ import annotations

import dataclasses
import hashlib
import os
import re
import typing as t

from ..._common.errors import InputError
from .sql.statements import Statement, Unreadable, split

# The line of a file that has to run outside a transaction though none of its statements requires that.
_NO_TRANSACTION = re.compile(r"^\s*--\s*runbook:\s*no-transaction\s*$", re.MULTILINE | re.IGNORECASE)
_NUMBER = re.compile(r"\d+")


@dataclasses.dataclass(frozen=True)
class Migration:
    """
    :ivar name: in the ledger, in results, and in the engine's own table.
    :ivar version: orders migrations; unique within a folder.
    :ivar sha256: of its files with the line ends of Unix, so that a checkout on Windows is not an edit.
    :ivar up, down: SQL, where it is known; None where there is none.
    :ivar reversible: whether the engine has a way down for it.
    :ivar path, down_path: of the files that people read.
    :ivar alone: whether it runs outside a transaction though its SQL, as far as it is known, does not require that.
    """

    name: str
    version: tuple[int, ...]
    sha256: str
    path: str
    up: str | None = None
    down: str | None = None
    reversible: bool = False
    down_path: str = ""
    alone: bool = False

    @property
    def transaction(self) -> bool:
        """Whether it is applied as a whole or not at all."""
        return not self.alone and transactional(self.up or "", self.statements)

    @property
    def makes_its_transaction(self) -> bool:
        return any(statement.controls_transaction for statement in self.statements)

    @property
    def is_readable(self) -> bool:
        """Whether its SQL is known and the parser takes it."""
        return self.up is not None and readable(self.up) is not None

    @property
    def statements(self) -> list[Statement]:
        """None where the parser does not take its SQL; ``problems_of_sql`` says why."""
        return split(readable(self.up) or "")

    @property
    def ways_down(self) -> list[Statement]:
        return split(readable(self.down) or "")

    @property
    def order(self) -> tuple[tuple[int, ...], str]:
        return self.version, self.name


def transactional(sql: str, statements: t.Sequence[Statement]) -> bool:
    return not _NO_TRANSACTION.search(sql) and not any(statement.alone for statement in statements)


def readable(sql: str | None) -> str | None:
    """The SQL itself, or None where the parser does not take it."""
    try:
        split(sql or "")
    except Unreadable:
        return None
    return sql


def checksum(*texts: str) -> str:
    return hashlib.sha256("\0".join(text.replace("\r\n", "\n") for text in texts).encode()).hexdigest()


def version(name: str) -> tuple[int, ...]:
    """The numbers at the beginning of a name, as in 20261121093000_add_limits or V1.10__limits."""
    head = re.match(r"[VvUu]?(\d+(?:[._]\d+(?=[._]))*)", name)
    return tuple(int(number) for number in _NUMBER.findall(head[1])) if head else ()


def read(path: str) -> str:
    try:
        with open(path, encoding="utf-8", newline="") as file:
            return file.read()
    except OSError as exc:
        raise InputError(
            f"src: found {path}, which cannot be read ({exc.strerror}); allowed: files that the user of this task may read"
        ) from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"src: found {path}, which is not UTF-8 text ({exc.reason})") from exc


def names(folder: str) -> list[str]:
    try:
        return sorted(os.listdir(folder))
    except OSError as exc:
        raise InputError(
            f"src: found {folder}, which is not a readable folder ({exc.strerror}); allowed: the folder of the migrations"
        ) from exc


def folder(src: str) -> list[Migration]:
    """A folder of SQL: NAME.sql or NAME.up.sql, each with NAME.down.sql where there is a way down."""
    files = [name for name in names(src) if name.endswith(".sql")]
    ups = {re.sub(r"(\.up)?\.sql$", "", name): name for name in files if not name.endswith(".down.sql")}
    downs = {name[: -len(".down.sql")]: name for name in files if name.endswith(".down.sql")}
    problems = [f"{downs[name]}: there is no {name}.sql that it reverts" for name in downs if name not in ups]
    problems += [
        f"{name}: does not begin with a number; allowed: names such as 20261121093000_add_limits.sql"
        for base, name in ups.items()
        if not version(base)
    ]
    found = []
    for base, name in ups.items():
        up = read(os.path.join(src, name))
        down_path = os.path.join(src, downs[base]) if base in downs else ""
        down = read(down_path) if down_path else None
        found.append(
            Migration(
                base,
                version(base),
                checksum(up),
                os.path.join(src, name),
                up,
                down,
                down is not None,
                down_path,
            )
        )
    if not found and not problems:
        problems = ["it holds no migration; allowed: files such as 20261121093000_add_limits.sql"]
    return accepted(src, found, problems)


def accepted(src: str, found: list[Migration], problems: list[str], by_name: bool = False) -> list[Migration]:
    """The migrations in order. Raises with all problems of the folder at once.

    :param by_name: whether the engine identifies migrations by their names, so that two may share a number.
    """
    by_version: dict[tuple[int, ...], str] = {}
    for migration in sorted(found, key=lambda one: one.order):
        if migration.version in by_version and not by_name:
            problems.append(
                f"{migration.name}: has the same number as {by_version[migration.version]}; renumber one of them"
            )
        by_version[migration.version] = migration.name
    if problems:
        raise InputError(f"src: found {src}, whose files are not valid; nothing was changed.", why=problems)
    return sorted(found, key=lambda one: one.order)


def problems_of_sql(migration: Migration) -> t.Iterator[str]:
    """What would fail, or have another effect, when the task itself sends the statements."""
    for sql, path in ((migration.up, migration.path), (migration.down, migration.down_path)):
        try:
            statements = split(sql or "")
        except Unreadable as exc:
            yield f"{path}, {exc}"
            continue
        for statement in statements:
            if statement.controls_transaction:
                yield f"{path}, line {statement.line}: {statement.verb}; each file already runs in a transaction of its own"
            elif statement.reads_client:
                yield f"{path}, line {statement.line}: COPY with rows in the file; only psql can run it"
