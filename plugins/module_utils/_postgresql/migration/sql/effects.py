# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What the statements of one migration do to the old release, read from their parse trees."""

from __future__ import annotations

import typing as t

from . import plpgsql
from .functions import only_reads
from .kinds import CONTRACT, DATA, IRREVERSIBLE, Effect, gravest
from .new_objects import NewObjects, names_of
from .statements import Statement, Unreadable, kind_of, option, split

_CHANGES_ROWS = (DATA, "changes rows")
_RUNS_CODE = (DATA, "runs code that cannot be inspected")
_DROPS_DATA = (IRREVERSIBLE, "drops what holds data")
_DELETES_ROWS = (IRREVERSIBLE, "deletes rows")
_RULE = (CONTRACT, "adds a rule that the old release may break")
_TAKES_AWAY = (CONTRACT, "takes away what the old release may use")
_CHANGES = (CONTRACT, "takes away or changes what the old release may use")
_REPLACES = (CONTRACT, "replaces what the old release may use")
_RENAMES = (CONTRACT, "renames what the old release uses")

Found = tuple[str, str]
# What a command of ALTER TABLE does, where its name alone tells.
_OF_COMMANDS: dict[str, Found] = {
    "AT_AddConstraint": _RULE,
    "AT_AlterColumnType": (CONTRACT, "changes the type of a column"),
    "AT_ChangeOwner": (CONTRACT, "changes the owner of what the old release uses"),
    "AT_DetachPartition": _TAKES_AWAY,
    "AT_DetachPartitionFinalize": _TAKES_AWAY,
    "AT_DropColumn": (IRREVERSIBLE, "drops a column"),
    "AT_DropExpression": _TAKES_AWAY,
    "AT_DropIdentity": _TAKES_AWAY,
    "AT_DropInherit": _TAKES_AWAY,
    "AT_EnableRowSecurity": _TAKES_AWAY,
    "AT_ForceRowSecurity": _TAKES_AWAY,
    "AT_SetExpression": _TAKES_AWAY,
    "AT_SetNotNull": (CONTRACT, "forbids nulls, which the old release may write"),
}
_HOLD_DATA = ("TABLE", "FOREIGN_TABLE", "SCHEMA", "SEQUENCE")
# DROP ... CASCADE of these drops columns, or tables, that depend on them.
_HOLD_DATA_BELOW = (
    "ACCESS_METHOD",
    "COLLATION",
    "DOMAIN",
    "EXTENSION",
    "FDW",
    "FOREIGN_SERVER",
    "FUNCTION",
    "LANGUAGE",
    "OPCLASS",
    "OPERATOR",
    "PROCEDURE",
    "ROUTINE",
    "TSCONFIGURATION",
    "TSDICTIONARY",
    "TYPE",
)
_UNNOTICED_DROPS = ("INDEX", "STATISTIC_EXT")
_UNNOTICED_RENAMES = ("INDEX", "TABCONSTRAINT", "DOMCONSTRAINT", "TRIGGER", "POLICY", "RULE", "STATISTIC_EXT")
_QUERIES = ("SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt")
_SERIAL = ("serial", "bigserial", "smallserial", "serial2", "serial4", "serial8")
_FILLED_BY = ("CONSTR_DEFAULT", "CONSTR_GENERATED", "CONSTR_IDENTITY")
_NEVER_NULL = ("CONSTR_NOTNULL", "CONSTR_PRIMARY")
_DEEPEST = 5


def read(statements: t.Sequence[Statement]) -> list[Effect]:
    """Everything that the old release notices; of each statement the gravest only."""
    reader = Reader()
    return [effect for statement in statements for effect in reader.effects(statement)]


class Reader:
    """Reads the statements of a file in their order: a table that the file itself has created is nobody else's yet."""

    def __init__(self) -> None:
        self._new = NewObjects()
        self._routines: dict[str, Statement] = {}
        self._line = 0
        self._depth = 0

    def effects(self, statement: Statement) -> list[Effect]:
        self._line = statement.line
        found = list(dict.fromkeys(self._visit(statement.node, statement)))
        self._new.note(statement.node)
        worst = gravest([effect.kind for effect in found])
        return [effect for effect in found if effect.kind == worst]

    def _visit(self, node: t.Any, statement: Statement) -> t.Iterator[Effect]:
        kind = kind_of(node)
        if kind in _QUERIES:
            yield from self._query(node)
        elif visit := getattr(self, f"visit_{kind}", None):
            for found in visit(node, statement):
                yield found if isinstance(found, Effect) else self._effect(found)

    def _effect(self, found: Found) -> Effect:
        return Effect(*found, self._line)

    # Queries

    def _query(self, node: t.Any) -> t.Iterator[Effect]:
        """Whatever is in it: WITH may hold DELETE, and SELECT may call anything."""
        nodes = list(_walk(node))
        rows = [self._effect(found) for found in map(self._rows, nodes) if found]
        yield from rows
        for inner in nodes:
            if kind_of(inner) == "FuncCall":
                yield from (effect for effect in self._call(inner) if not rows or effect.kind != DATA)
            elif kind_of(inner) == "SelectStmt" and inner.intoClause:
                self._new.add_table(inner.intoClause.rel)

    def _rows(self, node: t.Any) -> Found | None:
        """What it does to the rows of its table."""
        kind = kind_of(node)
        if kind not in _QUERIES or kind == "SelectStmt" or self._new.is_temporary(node.relation):
            return None
        deletes = kind == "DeleteStmt" or (
            kind == "MergeStmt"
            and any(clause.commandType.name == "CMD_DELETE" for clause in node.mergeWhenClauses)
        )
        return _DELETES_ROWS if deletes and not self._new.has_table(node.relation) else _CHANGES_ROWS

    def _call(self, node: t.Any) -> t.Iterator[Effect]:
        name = tuple(part.sval for part in node.funcname)
        if name[-1] == "set_config":
            self._new.forget_unqualified()
        if name[-1] in self._routines:
            yield from self._routine(self._routines[name[-1]])
        elif not only_reads(name):
            yield self._effect(_RUNS_CODE)

    # Code

    def visit_DoStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Effect]:
        yield from self._routine(statement)

    def visit_CallStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Effect]:
        yield from self._query(node)

    def visit_CreateFunctionStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        self._routines[node.funcname[-1].sval] = statement
        if node.replace:
            yield _REPLACES

    def _routine(self, statement: Statement) -> t.Iterator[Effect]:
        """What the body of DO, or of a function that the same file makes, does when it runs."""
        if self._depth >= _DEEPEST:
            yield self._effect(_RUNS_CODE)
            return
        outer, self._depth = self._line, self._depth + 1
        try:
            yield from self._body(statement)
        finally:
            self._line, self._depth = outer, self._depth - 1

    def _body(self, statement: Statement) -> t.Iterator[Effect]:
        node = statement.node
        options = node.args if kind_of(node) == "DoStmt" else node.options
        given = {one.defname: one for one in options or ()}
        language = given["language"].arg.sval if "language" in given else "plpgsql"
        if getattr(node, "sql_body", None):
            for inner in _walk(node.sql_body):
                if kind_of(inner) in _QUERIES:
                    yield from self._query(inner)
            return
        code = given["as"].arg if "as" in given else ""
        body = code[0] if isinstance(code, tuple) else code
        text = str(getattr(body, "sval", ""))
        first = _line_of(statement, text, given.get("as"))
        if language == "plpgsql":
            yield from self._plpgsql(statement, text, first)
        elif language == "sql":
            yield from self._sql(text, first)
        else:
            yield self._effect(_RUNS_CODE)

    def _plpgsql(self, statement: Statement, body: str, first: int) -> t.Iterator[Effect]:
        parts = plpgsql.parts(statement.text)
        if parts is None:
            self._line = first
            yield self._effect(_RUNS_CODE)
            if plpgsql.holds_destructive_words(body):
                yield self._effect(_DROPS_DATA)
            return
        for part in parts:
            self._line = first + part.line - 1
            if not part.certain:
                yield self._effect(_RUNS_CODE)
            if part.sql is not None:
                yield from self._sql(part.sql, self._line)

    def _sql(self, text: str, first: int) -> t.Iterator[Effect]:
        try:
            statements = split(text)
        except Unreadable:
            self._line = first
            yield self._effect(_RUNS_CODE)
            if plpgsql.holds_destructive_words(text):
                yield self._effect(_DROPS_DATA)
            return
        for statement in statements:
            self._line = first + statement.line - 1
            yield from self._visit(statement.node, statement)

    # Statements that hold a query

    def visit_CreateTableAsStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Effect]:
        yield from self._visit(node.query, statement)

    def visit_CopyStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Effect | Found]:
        if node.is_from and not self._new.is_temporary(node.relation):
            yield _CHANGES_ROWS
        if node.is_program:
            yield _RUNS_CODE
        if node.query:
            yield from self._visit(node.query, statement)

    def visit_ExplainStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Effect]:
        if option(node.options, "analyze"):
            yield from self._visit(node.query, statement)

    def visit_PrepareStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Effect]:
        yield from self._visit(node.query, statement)

    visit_DeclareCursorStmt = visit_PrepareStmt

    def visit_ExecuteStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        yield _RUNS_CODE

    def visit_AlterExtensionStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        yield _RUNS_CODE

    def visit_RefreshMatViewStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        yield _CHANGES_ROWS

    # Tables

    def visit_AlterTableStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if not self._new.has_table(node.relation):
            yield from filter(None, map(_command, node.cmds))

    def visit_TruncateStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if not all(self._new.is_temporary(relation) for relation in node.relations):
            new = all(self._new.has_table(relation) for relation in node.relations)
            yield _CHANGES_ROWS if new else (IRREVERSIBLE, "empties a table")

    def visit_IndexStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if node.unique and not self._new.has_table(node.relation):
            yield _RULE

    def visit_CreateTrigStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if not self._new.has_table(node.relation):
            yield _CHANGES

    visit_RuleStmt = visit_CreateTrigStmt

    def visit_CreatePolicyStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if not self._new.has_table(node.table):
            yield _CHANGES

    visit_AlterPolicyStmt = visit_CreatePolicyStmt

    # Whatever else there is

    def visit_DropStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        kind = node.removeType.name[len("OBJECT_") :]
        if kind in _UNNOTICED_DROPS or self._new.has_all(kind, node.objects):
            return
        if kind in _HOLD_DATA:
            yield _DROPS_DATA
        elif kind in _HOLD_DATA_BELOW and node.behavior.name == "DROP_CASCADE":
            yield IRREVERSIBLE, "drops what depends on it, too, which may hold data"
        else:
            yield _CHANGES

    def visit_DropOwnedStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        yield _DROPS_DATA

    visit_DropdbStmt = visit_DropOwnedStmt

    def visit_DropRoleStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        yield _CHANGES

    visit_DropTableSpaceStmt = visit_DropUserMappingStmt = visit_DropSubscriptionStmt = visit_DropRoleStmt

    def visit_RenameStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        kind = node.renameType.name[len("OBJECT_") :]
        if kind not in _UNNOTICED_RENAMES and not self._new.is_temporary(node.relation):
            yield _RENAMES

    def visit_AlterEnumStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if node.oldVal:
            yield _RENAMES

    def visit_AlterObjectSchemaStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        yield _TAKES_AWAY

    def visit_AlterOwnerStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if names_of(node.object) not in self._new:
            yield _OF_COMMANDS["AT_ChangeOwner"]

    def visit_ReassignOwnedStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        yield _OF_COMMANDS["AT_ChangeOwner"]

    def visit_AlterDomainStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if node.subtype in ("O", "C"):
            yield _RULE
        elif node.subtype == "T" and node.def_ is None:
            yield _TAKES_AWAY

    def visit_GrantStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if not node.is_grant and not self._new.has_all(node.objtype.name[len("OBJECT_") :], node.objects):
            yield _CHANGES

    def visit_GrantRoleStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if not node.is_grant:
            yield _CHANGES

    def visit_AlterDefaultPrivilegesStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if not node.action.is_grant:
            yield _CHANGES

    def visit_AlterRoleStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if node.action < 0 or any(map(_restricts, node.options or ())):
            yield _TAKES_AWAY

    def visit_AlterPublicationStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if node.action.name != "AP_AddObjects" and node.pubobjects:
            yield _TAKES_AWAY

    def visit_ViewStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Found]:
        if node.replace:
            yield _REPLACES

    visit_DefineStmt = visit_CreateTransformStmt = visit_ViewStmt

    def visit_CreateSchemaStmt(self, node: t.Any, statement: Statement) -> t.Iterator[Effect]:
        for element in node.schemaElts or ():
            yield from self._visit(element, statement)


def _command(command: t.Any) -> Found | None:
    """What one command of ALTER TABLE does."""
    name, definition = command.subtype.name, command.def_
    if name == "AT_AddColumn":
        return _new_column(definition)
    if name == "AT_ColumnDefault":
        return None if definition else _TAKES_AWAY
    if name == "AT_AddIdentity":
        return _RULE if definition.generated_when == "a" else None
    if name == "AT_SetIdentity":
        return _RULE if any(map(_always, definition)) else None
    return _OF_COMMANDS.get(name)


def _new_column(column: t.Any) -> Found | None:
    kinds = {constraint.contype.name for constraint in column.constraints or ()}
    is_filled = kinds.intersection(_FILLED_BY) or column.typeName.names[-1].sval in _SERIAL
    if kinds.intersection(_NEVER_NULL) and not is_filled:
        return CONTRACT, "adds a column that the old release does not fill"
    return None


def _always(option_of_identity: t.Any) -> bool:
    """SET GENERATED ALWAYS, which the parser gives as the code of the letter a."""
    return option_of_identity.defname == "generated" and option_of_identity.arg.ival == ord("a")


def _restricts(option_of_role: t.Any) -> bool:
    """NOLOGIN and the like, and what a login needs."""
    value = option_of_role.arg
    is_off = kind_of(value) == "Boolean" and not value.boolval
    return is_off or option_of_role.defname in ("password", "connectionlimit", "validUntil")


def _walk(tree: t.Any) -> t.Iterator[t.Any]:
    """The node and all nodes below it, in the order of the text as far as the tree keeps it."""
    rest = [tree]
    while rest:
        node = rest.pop()
        if isinstance(node, tuple):
            rest.extend(reversed(node))
        elif hasattr(type(node), "__slots__"):
            yield node
            rest.extend(reversed([getattr(node, name) for name in node]))


def _line_of(statement: Statement, body: str, given: t.Any) -> int:
    """The line on which a body begins: PL/pgSQL counts from there."""
    if given is None or not body:
        return statement.line
    at = statement.source.find(body, max(given.location, 0))
    return statement.source.count("\n", 0, at) + 1 if at >= 0 else statement.line
