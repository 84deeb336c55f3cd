# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The newest state of everything that is watched, out of the events of several watches. Pure."""

from __future__ import annotations

import typing as t

from ..api.port import SYNC, Event, Object

# The path of a collection, and the name of an object in it (the UID, where the whole collection is watched).
Where = tuple[str, str]


class Update(t.NamedTuple):
    """What an event has changed.

    :ivar obj: the newest state; of what is gone the last one known.
    :ivar is_gone: it was deleted.
    :ivar is_replaced: it is gone, and another one has its name.
    """

    where: Where
    obj: Object
    is_gone: bool = False
    is_replaced: bool = False


class LiveObjects:
    """Objects that are watched by name, and collections that are watched as a whole (pods).

    Items of a list have no kind; they keep the one that they are known by.
    """

    def __init__(self) -> None:
        self.objects: dict[Where, Object] = {}
        self._collections: dict[str, dict[str, Object]] = {}

    def add(self, path: str, obj: Object) -> None:
        self.objects[path, obj["metadata"]["name"]] = obj

    def add_collection(self, path: str) -> None:
        self._collections.setdefault(path, {})

    def in_collection(self, path: str) -> list[Object]:
        return list(self._collections.get(path, {}).values())

    def take(self, event: Event) -> t.Iterator[Update]:
        """Takes an event in; gives what is different now."""
        if event.path in self._collections:
            yield from self._take_into_collection(event)
        elif event.type == SYNC:
            yield from self._synchronize(event)
        elif event.path:
            where = event.path, event.object.get("metadata", {}).get("name", "")
            if where in self.objects:
                yield from self._change(where, event.object, is_deleted=event.type == "DELETED")

    def _synchronize(self, event: Event) -> t.Iterator[Update]:
        listed = {item["metadata"]["name"]: item for item in event.object["items"]}
        for where in [where for where in self.objects if where[0] == event.path]:
            item = listed.get(where[1])
            if item is None:
                yield Update(where, self.objects.pop(where), is_gone=True)
            else:
                yield from self._change(where, item, is_deleted=False)

    def _change(self, where: Where, obj: Object, is_deleted: bool) -> t.Iterator[Update]:
        known = self.objects[where]
        if _version(obj) < _version(known):
            return  # from before our own write, perhaps of an object that had the name before: it is not news
        is_another = obj["metadata"].get("uid") != known["metadata"].get("uid")
        if is_deleted or is_another:
            del self.objects[where]
            yield Update(where, known, is_gone=True, is_replaced=not is_deleted)
            return
        self.objects[where] = {**obj, "kind": known["kind"]}
        yield Update(where, self.objects[where])

    def _take_into_collection(self, event: Event) -> t.Iterator[Update]:
        known = self._collections[event.path]
        if event.type == SYNC:
            listed = {item["metadata"]["uid"]: item for item in event.object["items"]}
            for uid in [uid for uid in known if uid not in listed]:
                yield Update((event.path, uid), known.pop(uid), is_gone=True)
            for uid, item in listed.items():
                known[uid] = item
                yield Update((event.path, uid), item)
            return
        uid = event.object["metadata"]["uid"]
        if event.type == "DELETED":
            known.pop(uid, None)
            yield Update((event.path, uid), event.object, is_gone=True)
        else:
            known[uid] = event.object
            yield Update((event.path, uid), event.object)


def _version(obj: Object) -> int:
    return int(obj["metadata"].get("resourceVersion", "0"))
