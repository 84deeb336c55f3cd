# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a migration has created itself: nobody else uses it before the migration ends."""

from __future__ import annotations

import typing as t

from .statements import kind_of

Name = tuple[str, ...]


class NewObjects:
    """Names of tables, and of other objects, that earlier statements of the same file have created.

    A name counts as it is written: ``a`` and ``public.a`` are two. What may have been there before (IF NOT EXISTS,
    OR REPLACE) is not new.
    """

    def __init__(self) -> None:
        self._temporary: set[Name] = set()
        self._tables: set[Name] = set()
        self._others: set[Name] = set()

    def __contains__(self, name: object) -> bool:
        return name in self._tables or name in self._others or name in self._temporary

    def has_table(self, relation: t.Any) -> bool:
        name = names_of(relation)
        return name in self._tables or name in self._temporary

    def is_temporary(self, relation: t.Any) -> bool:
        return names_of(relation) in self._temporary

    def has_all(self, kind: str, objects: t.Sequence[t.Any] | None) -> bool:
        """
        :param kind: of the objects: a trigger, rule or policy is new with its table.
        """
        below_table = kind in ("TRIGGER", "RULE", "POLICY")
        names = [names_of(one)[:-1] if below_table else names_of(one) for one in objects or ()]
        known = self._tables | self._temporary
        if kind in (
            "FUNCTION",
            "PROCEDURE",
            "ROUTINE",
            "TYPE",
            "DOMAIN",
            "SEQUENCE",
            "SCHEMA",
            "VIEW",
            "MATVIEW",
        ):
            known = known | self._others
        return bool(names) and all(name in known for name in names)

    def note(self, node: t.Any) -> None:
        """Takes in what a statement has created, renamed or dropped."""
        kind = kind_of(node)
        if kind in ("CreateStmt", "CreateForeignTableStmt"):
            relation = node.base.relation if kind == "CreateForeignTableStmt" else node.relation
            self.add_table(relation, (node.base if kind == "CreateForeignTableStmt" else node).if_not_exists)
        elif kind == "CreateTableAsStmt":
            self.add_table(node.into.rel, node.if_not_exists)
        elif kind == "RenameStmt":
            self._rename(node)
        elif kind == "DropStmt":
            self._forget(set(map(names_of, node.objects)))
        elif kind == "AlterObjectSchemaStmt":
            self._forget({names_of(node.relation or node.object)})
        elif kind == "VariableSetStmt" and node.name == "search_path":
            self.forget_unqualified()
        elif created := _other(node):
            self._others.add(created)

    def add_table(self, relation: t.Any, may_exist: bool = False) -> None:
        if relation.relpersistence == "t" or relation.schemaname == "pg_temp":
            self._temporary.add(names_of(relation))
        elif not may_exist:
            self._tables.add(names_of(relation))

    def forget_unqualified(self) -> None:
        """After the search path has changed, a name without a schema may mean another object."""
        self._tables = {name for name in self._tables if len(name) > 1}
        self._others = {name for name in self._others if len(name) > 1}

    def _rename(self, node: t.Any) -> None:
        old = names_of(node.relation)
        if node.renameType.name != "OBJECT_TABLE":
            return
        for names in (self._tables, self._temporary):
            if old in names:
                names.remove(old)
                names.add((*old[:-1], node.newname))

    def _forget(self, names: set[Name]) -> None:
        self._tables -= names
        self._temporary -= names
        self._others -= names


def names_of(node: t.Any) -> Name:
    """The name of an object, with its schema where one is written; an empty one for anything else."""
    kind = kind_of(node)
    if kind == "RangeVar":
        return tuple(part for part in (node.schemaname, node.relname) if part)
    if kind == "String":
        return (node.sval,)
    if kind == "ObjectWithArgs":
        return names_of(node.objname)
    if kind == "TypeName":
        return names_of(node.names)
    if kind == "tuple":
        return tuple(name for part in node for name in names_of(part))
    return ()


def _other(node: t.Any) -> Name:
    """The name of what is no table, where the statement creates it and it cannot have been there before."""
    kind = kind_of(node)
    if getattr(node, "replace", False) or getattr(node, "if_not_exists", False):
        return ()
    if kind == "CreateFunctionStmt":
        return names_of(node.funcname)
    if kind in ("CreateEnumStmt", "CreateRangeStmt"):
        return names_of(node.typeName)
    if kind == "CreateDomainStmt":
        return names_of(node.domainname)
    if kind == "CompositeTypeStmt":
        return names_of(node.typevar)
    if kind == "CreateSeqStmt":
        return names_of(node.sequence)
    if kind == "ViewStmt":
        return names_of(node.view)
    if kind == "CreateSchemaStmt":
        return (node.schemaname,) if node.schemaname else ()
    return ()
