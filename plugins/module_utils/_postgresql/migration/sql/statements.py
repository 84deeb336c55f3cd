# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Cuts SQL into its statements, by the rules of psql's own scanner (src/fe_utils/psqlscan.l).

Needed because what cannot run inside a transaction has to be
sent alone, and because a failure names its statement and line.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

_TOKEN = re.compile(
    r"""
    (?P<space>\s+)
  | (?P<remark>--[^\n]*)
  | (?P<block>/\*)
  | (?P<dollar>\$(?:[^\W\d]\w*)?\$)
  | (?P<escaped>[eE]'(?:[^'\\]|\\.|'')*')
  | (?P<string>'(?:[^']|'')*')
  | (?P<quoted>"(?:[^"]|"")*")
  | (?P<word>[^\W\d][\w$]*)
  | (?P<number>\d+(?:\.\d+)?)
  | (?P<cast>::)
  | (?P<other>.)
    """,
    re.VERBOSE | re.DOTALL,
)
# What the server refuses inside a transaction block (25001).
_ALONE = re.compile(
    r"(CREATE (UNIQUE )?INDEX|DROP INDEX|REINDEX\b.*) CONCURRENTLY\b|REINDEX (SYSTEM|DATABASE|SCHEMA)\b|VACUUM\b|(CREATE|DROP|ALTER) (DATABASE|TABLESPACE)\b"
    r"|ALTER SYSTEM\b|ALTER TABLE\b.* DETACH PARTITION .* CONCURRENTLY\b|CLUSTER$|(CREATE|DROP) SUBSCRIPTION\b"
)
_TRANSACTION = re.compile(
    r"(BEGIN|START TRANSACTION|COMMIT|END|ABORT|ROLLBACK|PREPARE TRANSACTION)\b(?!.* TO\b)"
)
_NAME = r'(?:"(?:[^"]|"")*"|[^\s(".]+)'
_INDEX = re.compile(
    rf"CREATE (?:UNIQUE )?INDEX CONCURRENTLY (?:IF NOT EXISTS )?(?P<name>{_NAME}) ON (?:ONLY )?(?P<table>{_NAME}(?:\.{_NAME})?)"
)


class Unreadable(ValueError):
    """The text ends inside a literal, a name or a comment, or is no SQL."""


@dataclasses.dataclass(frozen=True)
class Statement:
    """
    :ivar text: as it stands in the file, without the semicolon.
    :ivar line: of its first word, from 1.
    :ivar words: in capitals, one blank between any two, without
        remarks; literals are '' and code is $$. For patterns.
    """

    text: str
    line: int
    words: str

    @property
    def alone(self) -> bool:
        """Whether it can run outside a transaction only."""
        return bool(_ALONE.match(self.words))

    @property
    def concurrent(self) -> bool:
        """Whether it waits for others by design, with a lock that lets them work meanwhile."""
        return self.alone and " CONCURRENTLY" in self.words

    @property
    def controls_transaction(self) -> bool:
        return bool(_TRANSACTION.match(self.words))

    @property
    def reads_client(self) -> bool:
        """COPY from the standard input: its rows follow in the file, and only psql reads such files."""
        return bool(re.match(r"COPY\b.* (FROM STDIN|TO STDOUT)\b", self.words))

    @property
    def index(self) -> tuple[str, str] | None:
        """The table and the index that it creates concurrently, as they are written."""
        found = _INDEX.match(self.words)
        return (found["table"], found["name"]) if found else None


def split(text: str) -> list[Statement]:
    found: list[Statement] = []
    begin, words, parentheses, blocks = 0, list[str](), 0, 0
    for kind, start, end in _tokens(text):
        token = text[start:end]
        if kind == "word":
            word = token.upper()
            if _in_routine(words) and word == "BEGIN" or blocks and word == "CASE":
                blocks += 1
            elif blocks and word == "END":
                blocks -= 1
            words.append(word)
        elif kind == "other" and token == ";" and not parentheses and not blocks:
            if words:
                found.append(_statement(text, begin, start, words))
            begin, words = end, []
        else:
            if token == "\\":
                command = text[start:].split(maxsplit=1)[0][:20]
                raise Unreadable(
                    f"line {_line(text, start)}: a command of psql ({command}); only SQL can run here"
                )
            parentheses = (
                max(0, parentheses + (token == "(") - (token == ")")) if kind == "other" else parentheses
            )
            words += (
                [{"dollar": "$$", "string": "''", "escaped": "''", "quoted": token}.get(kind, token)]
                if kind not in ("space", "remark", "block")
                else []
            )
    if words:
        found.append(_statement(text, begin, len(text), words))
    return found


def _in_routine(words: list[str]) -> bool:
    """A routine whose body is SQL (BEGIN ATOMIC ... END) holds semicolons of its own."""
    rest = [word for word in words[:4] if word not in ("OR", "REPLACE")]
    return rest[:1] == ["CREATE"] and rest[1:2] in (["FUNCTION"], ["PROCEDURE"])


def _statement(text: str, begin: int, end: int, words: list[str]) -> Statement:
    first = next(
        start for kind, start, _end in _tokens(text[begin:end]) if kind not in ("space", "remark", "block")
    )
    joined = (
        re.sub(r" ?\. ?", ".", " ".join(words))
        .replace(" ( ", "(")
        .replace("( ", "(")
        .replace(" )", ")")
        .replace(" ,", ",")
    )
    return Statement(text[begin:end].strip(), _line(text, begin + first), joined)


def _tokens(text: str) -> t.Iterator[tuple[str, int, int]]:
    at = 0
    while at < len(text):
        match = _TOKEN.match(text, at)
        if not match or not match.lastgroup:
            raise AssertionError("the last of the patterns matches any character")
        kind, end = match.lastgroup, match.end()
        if kind == "block":
            end = _block_end(text, at)
        elif kind == "dollar":
            closing = text.find(match.group(), end)
            if closing < 0:
                raise Unreadable(f"line {_line(text, at)}: {match.group()} is not closed")
            end = closing + len(match.group())
        elif kind == "other" and match.group() in "'\"":
            raise Unreadable(f"line {_line(text, at)}: a quote is not closed")
        yield kind, at, end
        at = end


def _block_end(text: str, at: int) -> int:
    """Of a comment, which may hold comments."""
    depth = 0
    for mark in re.compile(r"/\*|\*/").finditer(text, at):
        depth += 1 if mark.group() == "/*" else -1
        if not depth:
            return mark.end()
    raise Unreadable(f"line {_line(text, at)}: a comment is not closed")


def _line(text: str, at: int) -> int:
    return text.count("\n", 0, at) + 1
