# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The SQL inside PL/pgSQL: bodies of DO blocks and of functions, read by PostgreSQL's own parser of that language."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .statements import Unreadable, kind_of, require_parser, split

# Modes of the parser by which it reads an expression, or an assignment, instead of a statement (RawParseMode).
_EXPRESSION, _FIRST_ASSIGNMENT = 2, 3
_ASSIGNED = re.compile(r".*?:?=(?P<value>.*)", re.DOTALL)
_PLACEHOLDER = re.compile(r"%(?:\d+\$)?-?(?:\d+|\*(?:\d+\$)?)?(?P<kind>[IsL%])")
_STANDS_IN = {"I": "x", "s": "x", "L": "'x'", "%": "%"}
# What follows DROP where something is dropped that holds data; IDENT is a column without the word COLUMN.
_DROPPED = (
    "TABLE",
    "COLUMN",
    "SCHEMA",
    "SEQUENCE",
    "DATABASE",
    "OWNED",
    "FOREIGN",
    "IDENT",
)


@dataclasses.dataclass(frozen=True)
class Part:
    """SQL that a body runs.

    :ivar line: of the body, from 1.
    :ivar sql: None where the body puts it together from nothing that is known here.
    :ivar certain: whether it is run as it stands here; if not, words stand in for what only a run knows.
    """

    line: int
    sql: str | None
    certain: bool = True


def parts(statement: str) -> list[Part] | None:
    """
    :param statement: DO or CREATE FUNCTION with a body in PL/pgSQL.
    :return: None where the parser does not take the body.
    """
    pglast = require_parser()
    try:
        tree = pglast.parse_plpgsql(statement)
    except (pglast.parser.ParseError, ValueError):
        return None
    return list(_parts(tree, 1, False))


def holds_destructive_words(text: str) -> bool:
    """For a text that is no SQL as a whole: whether DROP TABLE, DELETE FROM or TRUNCATE stands in it."""
    pglast = require_parser()
    try:
        names = [token.name for token in pglast.parser.scan(text)]
    except pglast.parser.ParseError:
        return True
    pairs = zip(names, [*names[1:], ""])
    return any(
        first == "TRUNCATE"
        or (first == "DELETE_P" and second == "FROM")
        or (first == "DROP" and second in _DROPPED)
        for first, second in pairs
    )


def _parts(tree: t.Any, line: int, dynamic: bool) -> t.Iterator[Part]:
    if isinstance(tree, list):
        for item in tree:
            yield from _parts(item, line, dynamic)
    elif isinstance(tree, dict):
        for name, inside in tree.items():
            if name == "PLpgSQL_expr":
                yield _part(inside, line, dynamic)
            elif isinstance(inside, dict) and "lineno" in inside:
                yield from _parts_of_statement(name, inside)
            else:
                yield from _parts(inside, line, dynamic or name == "dynquery")


def _parts_of_statement(name: str, inside: dict[str, t.Any]) -> t.Iterator[Part]:
    runs_text = name in ("PLpgSQL_stmt_dynexecute", "PLpgSQL_stmt_dynfors")
    for key, value in inside.items():
        yield from _parts({key: value}, inside["lineno"], runs_text and key == "query")


def _part(expression: dict[str, t.Any], line: int, dynamic: bool) -> Part:
    query, mode = str(expression["query"]), int(expression.get("parseMode", 0))
    if mode >= _FIRST_ASSIGNMENT:
        assigned = _ASSIGNED.fullmatch(query)
        query = assigned["value"] if assigned else query
    if mode < _EXPRESSION:
        return Part(line, query)
    select = f"SELECT {query}"
    return _built(select, line) if dynamic else Part(line, select)


def _built(select: str, line: int) -> Part:
    """The SQL that EXECUTE is given, with stand-ins for what only a run knows."""
    try:
        (statement,) = split(select)
        (target,) = statement.node.targetList
    except (Unreadable, ValueError, TypeError, AttributeError):
        return Part(line, None, certain=False)
    pieces = list(_pieces(target.val))
    if not any(certain for _text, certain in pieces):
        return Part(line, None, certain=False)
    text = "".join(text for text, _certain in pieces)
    return Part(line, text, certain=all(certain for _text, certain in pieces))


def _pieces(node: t.Any) -> t.Iterator[tuple[str, bool]]:
    """Pieces of a text, each with whether it is known."""
    kind = kind_of(node)
    if kind == "A_Const" and kind_of(node.val) == "String":
        yield node.val.sval, True
    elif kind == "TypeCast":
        yield from _pieces(node.arg)
    elif kind == "A_Expr" and [part.sval for part in node.name] == ["||"]:
        yield from _pieces(node.lexpr)
        yield from _pieces(node.rexpr)
    elif kind == "FuncCall" and node.funcname[-1].sval == "format" and node.args:
        yield from _formatted(node.args[0])
    elif kind == "FuncCall" and node.funcname[-1].sval in ("quote_literal", "quote_nullable"):
        yield "'x'", False
    else:
        yield "x", False


def _formatted(template: t.Any) -> t.Iterator[tuple[str, bool]]:
    for text, certain in _pieces(template):
        last = 0
        for found in _PLACEHOLDER.finditer(text):
            yield text[last : found.start()], certain
            yield _STANDS_IN[found["kind"]], found["kind"] == "%"
            last = found.end()
        yield text[last:], certain
