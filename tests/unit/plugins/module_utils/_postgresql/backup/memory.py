# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A store in memory, for the unit tests of what stands on one."""

from __future__ import annotations

import typing as t

from ansible_collections.runbook.release.plugins.module_utils._postgresql.backup.stores.store import (
    Missing,
    Stored,
    Unfinished,
)


class MemoryStore:
    where = "memory"

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now
        self.objects: dict[str, tuple[bytes, float]] = {}
        self.left: list[tuple[str, float]] = []

    def put(self, name: t.Any, data: t.Any, modified: t.Any = None) -> None:
        self.objects[name] = (data, self.now if modified is None else modified)

    def write(self, name: t.Any, stream: t.Any, *, expected: int = 0, tags: t.Any = None) -> t.Any:
        data = b""
        while piece := stream.read(1 << 20):
            data += piece
        self.put(name, data)
        return self.stat(name)

    def read(self, name: t.Any) -> t.Iterator[t.Any]:
        if name not in self.objects:
            raise Missing(f"{name} is not there.")
        yield self.objects[name][0]

    def stat(self, name: t.Any) -> t.Any:
        if name not in self.objects:
            return None
        data, modified = self.objects[name]
        return Stored(name, len(data), modified, str(hash(data)))

    def listing(self, under: str = "") -> t.Any:
        return [self.stat(name) for name in sorted(self.objects) if name.startswith(under)]

    def delete(self, names: t.Any) -> None:
        for name in names:
            self.objects.pop(name, None)

    def tag(self, name: t.Any, tags: t.Any) -> None:
        pass

    def unfinished(self) -> t.Any:
        return [Unfinished(name, since, name) for name, since in self.left]

    def discard(self, left: t.Any) -> None:
        self.left = [(name, since) for name, since in self.left if name != left.name]
