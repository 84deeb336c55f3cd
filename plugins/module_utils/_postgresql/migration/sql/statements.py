# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""SQL, cut into its statements by PostgreSQL's own parser (libpg_query, through the Python package pglast).

Needed because a statement that cannot run inside a transaction has to be sent
alone, because a failure names its statement and line, and because the parse
tree of a statement says what it does.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import re
import typing as t

from ...._common.errors import InputError

_COMMENTS = ("SQL_COMMENT", "C_COMMENT")
_SEMICOLON = "ASCII_59"
# Statements that the server always refuses inside a transaction block (25001); others depend on how they are written.
_NEVER_IN_TRANSACTION = (
    "AlterSystemStmt",
    "CreateSubscriptionStmt",
    "CreateTableSpaceStmt",
    "CreatedbStmt",
    "DropSubscriptionStmt",
    "DropTableSpaceStmt",
    "DropdbStmt",
)
_WITHIN_TRANSACTION = ("TRANS_STMT_SAVEPOINT", "TRANS_STMT_RELEASE", "TRANS_STMT_ROLLBACK_TO")
_REINDEX_OF_MANY = ("REINDEX_OBJECT_SYSTEM", "REINDEX_OBJECT_DATABASE", "REINDEX_OBJECT_SCHEMA")
_PSQL_VARIABLE = re.compile(r":(?:[A-Za-z_]\w*|'\w+'|\"\w+\"|\{\?\w+\})")
_NEAR = re.compile(r' at or near ".*', re.DOTALL)
_LONGEST_NEAR = 60


class Unreadable(ValueError):
    """PostgreSQL's parser does not take the text. The message begins with the line."""


@dataclasses.dataclass(frozen=True)
class Statement:
    """
    :ivar text: as it stands in the file, without the semicolon.
    :ivar line: of its first word, from 1.
    :ivar verb: its first word in capitals.
    :ivar node: its parse tree, a node of pglast.ast.
    :ivar source: the whole text that it is a part of; the locations in its tree count from there.
    """

    text: str
    line: int
    verb: str
    node: t.Any = dataclasses.field(repr=False, compare=False)
    source: str = dataclasses.field(repr=False, compare=False)

    @property
    def alone(self) -> bool:
        """Whether it can run outside a transaction only."""
        return self.concurrent or _refuses_transaction(self.node)

    @property
    def concurrent(self) -> bool:
        """Whether it waits for others by design, with a lock that lets them work meanwhile."""
        node, kind = self.node, kind_of(self.node)
        if kind in ("IndexStmt", "DropStmt"):
            return bool(node.concurrent)
        if kind == "ReindexStmt":
            return option(node.params, "concurrently")
        if kind == "AlterTableStmt":
            return any(
                command.subtype.name == "AT_DetachPartition" and command.def_.concurrent
                for command in node.cmds
            )
        return False

    @property
    def controls_transaction(self) -> bool:
        return kind_of(self.node) == "TransactionStmt" and self.node.kind.name not in _WITHIN_TRANSACTION

    @property
    def reads_client(self) -> bool:
        """COPY from or to the client: its rows stand in the file, and only psql reads such files."""
        node = self.node
        return kind_of(node) == "CopyStmt" and node.filename is None and not node.is_program

    @property
    def index(self) -> tuple[str, str] | None:
        """The index that it creates concurrently: its table, quoted for to_regclass, and its own name as it is kept."""
        node = self.node
        if kind_of(node) != "IndexStmt" or not node.concurrent or not node.idxname:
            return None
        parts = [part for part in (node.relation.schemaname, node.relation.relname) if part]
        return ".".join(_quoted(part) for part in parts), node.idxname


def require_parser() -> t.Any:
    """The package pglast. Imported on first use: it takes a tenth of a second, and most operations read no SQL."""
    try:
        import pglast
    except ImportError as exc:
        raise InputError(
            "The Python package 'pglast', which reads SQL as PostgreSQL does, is missing where this task runs; nothing was changed.",
            then="python3 -m pip install pglast (with the Python that runs this task)",
        ) from exc
    return pglast


def split(text: str) -> list[Statement]:
    """Raises Unreadable where the parser does not take the text."""
    return list(_split(text))


def kind_of(node: t.Any) -> str:
    """The name of a node of the parse tree, as in PostgreSQL's sources: CreateStmt, IndexStmt ..."""
    return type(node).__name__


def option(options: t.Sequence[t.Any] | None, name: str) -> bool:
    """A boolean option in parentheses: it is true where it has no value."""
    for given in options or ():
        if given.defname == name:
            value = given.arg
            text = "true" if value is None else str(getattr(value, "sval", getattr(value, "ival", "")))
            return text.lower() in ("true", "on", "1")
    return False


@functools.lru_cache(maxsize=512)
def _split(text: str) -> tuple[Statement, ...]:
    pglast = require_parser()
    if "\0" in text:
        raise Unreadable(f"line {_line(text, text.index(chr(0)))}: a NUL byte, which SQL cannot hold")
    try:
        parsed = pglast.parser.parse_sql(text)
        tokens = [token for token in pglast.parser.scan(text) if token.name not in _COMMENTS]
    except pglast.parser.ParseError as exc:
        raise Unreadable(_explained(text, exc)) from None
    begins = [0, *(token.end + 1 for token in tokens if token.name == _SEMICOLON)]
    words = [token for token in tokens if token.name != _SEMICOLON]
    starts = [token.start for token in words]
    newlines = [match.start() for match in re.finditer("\n", text)]
    statements = []
    for raw in parsed:
        first = words[bisect.bisect_left(starts, raw.stmt_location)]
        begin = begins[bisect.bisect_right(begins, first.start) - 1]
        end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(text)
        statements.append(
            Statement(
                text[begin:end].strip(),
                bisect.bisect_left(newlines, first.start) + 1,
                text[first.start : first.end + 1].upper(),
                raw.stmt,
                text,
            )
        )
    return tuple(statements)


def _refuses_transaction(node: t.Any) -> bool:
    kind = kind_of(node)
    if kind == "ReindexStmt":
        return node.kind.name in _REINDEX_OF_MANY
    if kind == "VacuumStmt":
        return bool(node.is_vacuumcmd)
    if kind == "ClusterStmt":
        return node.relation is None
    if kind == "DiscardStmt":
        return bool(node.target.name == "DISCARD_ALL")
    if kind == "AlterDatabaseStmt":
        return any(given.defname == "tablespace" for given in node.options or ())
    if kind == "AlterSubscriptionStmt":
        return node.kind.name.endswith(("_PUBLICATION", "_REFRESH"))
    return kind in _NEVER_IN_TRANSACTION


def _explained(text: str, error: t.Any) -> str:
    """What is wrong, with its line: what psql alone understands is said to be that."""
    message, at = str(error.args[0]), error.args[1]
    if at is None:
        at = len(text.rstrip())
    if copy := _copy_before(text[:at]):
        return f"line {copy}: COPY with rows in the file; only psql can run it"
    line = _line(text, at)
    if text[at : at + 1] == "\\":
        command = text[at:].split(maxsplit=1)[0][:20]
        return f"line {line}: a command of psql ({command}); only SQL can run here"
    if variable := _PSQL_VARIABLE.match(text, at):
        return f"line {line}: a variable of psql ({variable[0]}); only SQL can run here"
    version = require_parser().get_postgresql_version()[0]
    return f"line {line}: {_without_literals(message, text[at : at + 2])} (read with the grammar of PostgreSQL {version})"


def _copy_before(text: str) -> int:
    """The line of the last statement before an error, where that is a COPY whose rows follow; else 0."""
    end = text.rfind(";")
    try:
        *_others, last = _split(text[: end + 1])
    except (Unreadable, ValueError):
        return 0
    return last.line if last.reads_client else 0


def _without_literals(message: str, beginning: str) -> str:
    """Shows a word that the parser stumbles over, but no string: it may be a password, or the rest of the file."""
    if beginning[:1] in ("'", "$") or beginning[1:] == "'" or message.startswith("unterminated"):
        return _NEAR.sub("", message)
    return message if len(message) <= _LONGEST_NEAR else message[:_LONGEST_NEAR] + "..."


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
