# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The import graph of the core: who may know whom, how full a folder is, and what a task ships.

Read from the text of the files: nothing is imported. ``python -m tests.gates.imports`` prints the graph.
"""

from __future__ import annotations

import ast
import collections
import dataclasses
import functools
import graphlib
import sys
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
CORE = PLUGINS / "module_utils"
COLLECTION = "ansible_collections.runbook.release."

FILES_A_FOLDER = 15
# What no target is part of, and what of the core it may know.
INDEPENDENT = {
    "_common": set[str](),
    "_gate": {"_common"},
    "_platform": {"_common", "_gate"},
    "_release": {"_common"},
}
# Files of the collection that a task of these modules ships.
# A field, a kind and a strategy are a file each: 17 of the 53.
SHIPPED = {"release_lock_info": 15, "kube_rollout": 53}


@dataclasses.dataclass(frozen=True)
class Edge:
    importer: Path
    imported: Path


def main() -> int:
    problems = [*full_folders(), *forbidden(), *circles(), *heavy_tasks()]
    for line in picture():
        print(line)
    for problem in problems:
        print(f"RED {problem}", file=sys.stderr)
    return 1 if problems else 0


def picture() -> t.Iterator[str]:
    """Every room with its number of files, and the rooms that it knows."""
    known = room_graph(depth=1)
    for room in sorted({room_of(path, 1) for path in files()}):
        count = sum(1 for path in files() if room_of(path, 1) == room)
        others = ", ".join(sorted(known.get(room, set()))) or "no other room"
        yield f"{room:14} {count:3} files   knows {others}"
    sizes = sorted((shipped(name) for name in modules()), key=len, reverse=True)
    yield f"a task ships {len(sizes[-1])} to {len(sizes[0])} files of the core"


def full_folders() -> t.Iterator[str]:
    counts = collections.Counter(path.parent for path in files())
    for folder, count in sorted(counts.items()):
        if count > FILES_A_FOLDER:
            yield f"{folder.relative_to(ROOT)} has {count} files; at most {FILES_A_FOLDER} allowed"


def forbidden() -> t.Iterator[str]:
    for edge in edges():
        room = room_of(edge.importer, 1)
        other = room_of(edge.imported, 1)
        if room in INDEPENDENT and other not in {room, *INDEPENDENT[room]}:
            yield f"{edge.importer.relative_to(CORE)} imports {edge.imported.relative_to(CORE)}"


def circles() -> t.Iterator[str]:
    """Between rooms, and between the folders of a room."""
    for depth in (1, 2):
        try:
            graphlib.TopologicalSorter(room_graph(depth)).prepare()
        except graphlib.CycleError as exc:
            yield f"rooms import each other: {' -> '.join(exc.args[1])}"


def heavy_tasks() -> t.Iterator[str]:
    for name, most in SHIPPED.items():
        count = len(shipped(name))
        if count > most:
            yield f"a task of {name} ships {count} files of the core; at most {most} allowed"


@functools.cache
def files() -> tuple[Path, ...]:
    return tuple(sorted(CORE.rglob("*.py")))


def modules() -> list[str]:
    return sorted(path.stem for path in (PLUGINS / "modules").glob("[!_]*.py"))


def shipped(module: str) -> set[Path]:
    """The files of the core that the payload of a module holds."""
    found: set[Path] = set()
    to_do = [PLUGINS / "modules" / f"{module}.py"]
    while to_do:
        for imported in imports_of(to_do.pop()):
            if imported not in found:
                found.add(imported)
                to_do.append(imported)
    return found


def edges() -> t.Iterator[Edge]:
    for path in files():
        for imported in imports_of(path):
            yield Edge(path, imported)


def room_graph(depth: int) -> dict[str, set[str]]:
    found: dict[str, set[str]] = collections.defaultdict(set)
    for edge in edges():
        room, other = room_of(edge.importer, depth), room_of(edge.imported, depth)
        if room != other:
            found[room].add(other)
    return found


def room_of(path: Path, depth: int) -> str:
    """The folder of a file below the core, as deep as asked; a file beside folders is a room of its own."""
    parts = path.relative_to(CORE).with_suffix("").parts
    return "/".join(parts[: depth if len(parts) <= depth else depth])


@functools.cache
def imports_of(path: Path) -> frozenset[Path]:
    """The files of the collection that a file imports, functions' own imports included."""
    found: set[Path] = set()
    package = path.relative_to(ROOT).parts[:-1]
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.ImportFrom):
            continue
        if node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
        elif (node.module or "").startswith(COLLECTION):
            base = (node.module or "").removeprefix(COLLECTION).split(".")
        else:
            continue
        folder = ROOT.joinpath(*filter(None, base))
        candidates = [folder.with_suffix(".py"), *(folder / f"{alias.name}.py" for alias in node.names)]
        found.update(candidate for candidate in candidates if candidate.is_file())
    return frozenset(found)


if __name__ == "__main__":
    sys.exit(main())
