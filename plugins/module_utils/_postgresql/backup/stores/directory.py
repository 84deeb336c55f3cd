# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Backups in a folder. A file gets its name only once all of it is on the disk."""

from __future__ import annotations

import contextlib
import os
import typing as t

from ..pipeline import CHUNK
from .store import Missing, Readable, Stored, StoreError, Unfinished

_PARTIAL = ".partial"


class DirectoryStore:
    def __init__(self, folder: str, prefix: str) -> None:
        self._folder = (
            os.path.join(os.path.abspath(folder), *prefix.split("/")) if prefix else os.path.abspath(folder)
        )
        self.where = self._folder

    def _path(self, name: str) -> str:
        return os.path.join(self._folder, *name.split("/"))

    def write(
        self, name: str, stream: Readable, *, expected: int = 0, tags: t.Mapping[str, str] | None = None
    ) -> Stored:
        path = self._path(name)
        folder, own = os.path.split(path)
        partial = os.path.join(folder, f".{own}{_PARTIAL}")
        try:
            os.makedirs(folder, mode=0o700, exist_ok=True)
            # Only the owner may read it: a dump holds what the database protects.
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
                while data := stream.read(CHUNK):
                    file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(partial, path)
            _sync(folder)
        except BaseException as exc:
            with contextlib.suppress(OSError):
                os.unlink(partial)
            self._remove_empty(folder)
            if isinstance(exc, OSError):
                raise StoreError(
                    f"{path} could not be written.",
                    why=[exc.strerror or str(exc)],
                    done="the partial file was removed",
                ) from exc
            raise
        return t.cast("Stored", self.stat(name))

    def read(self, name: str) -> t.Iterator[bytes]:
        try:
            with open(self._path(name), "rb") as file:
                while data := file.read(CHUNK):
                    yield data
        except FileNotFoundError as exc:
            raise Missing(f"{self._path(name)} is not there.") from exc
        except OSError as exc:
            raise StoreError(f"{self._path(name)} cannot be read.", why=[exc.strerror or str(exc)]) from exc

    def stat(self, name: str) -> Stored | None:
        try:
            found = os.stat(self._path(name))
        except OSError:
            return None
        return Stored(name, found.st_size, found.st_mtime, str(found.st_mtime_ns))

    def listing(self, under: str = "") -> list[Stored]:
        found = [
            self.stat(name) for name in self._names() if name.startswith(under) and not _is_partial(name)
        ]
        return sorted((item for item in found if item), key=lambda item: item.name)

    def _names(self) -> t.Iterator[str]:
        for folder, _folders, files in os.walk(self._folder):
            for file in files:
                yield os.path.relpath(os.path.join(folder, file), self._folder).replace(os.sep, "/")

    def delete(self, names: t.Sequence[str]) -> None:
        for name in names:
            try:
                os.unlink(self._path(name))
            except FileNotFoundError:
                continue
            except OSError as exc:
                raise StoreError(
                    f"{self._path(name)} cannot be removed.", why=[exc.strerror or str(exc)]
                ) from exc
            self._remove_empty(os.path.dirname(self._path(name)))

    def _remove_empty(self, folder: str) -> None:
        while folder.startswith(self._folder + os.sep):
            try:
                os.rmdir(folder)
            except OSError:
                return
            folder = os.path.dirname(folder)

    def tag(self, name: str, tags: t.Mapping[str, str]) -> None:
        """Files have none; the manifest beside them tells the same."""

    def unfinished(self) -> list[Unfinished]:
        names = [name for name in self._names() if _is_partial(name)]
        return [Unfinished(name, os.stat(self._path(name)).st_mtime, name) for name in names]

    def discard(self, left: Unfinished) -> None:
        self.delete([left.handle])


def _is_partial(name: str) -> bool:
    return name.endswith(_PARTIAL)


def _sync(folder: str) -> None:
    """A new name survives a crash of the machine only with its folder."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
