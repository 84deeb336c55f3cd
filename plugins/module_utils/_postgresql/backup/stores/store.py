# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The port to where backups are kept."""

from __future__ import annotations

import dataclasses
import typing as t

from ...._common.errors import ReleaseError


class Readable(t.Protocol):
    """A stream whose end may be an error: then nothing of it may become visible."""

    def read(self, size: int = -1) -> bytes:
        """At most that many bytes; empty at the end."""


@dataclasses.dataclass(frozen=True)
class Stored:
    """An object or a file.

    :ivar name: below the store's own prefix or folder.
    :ivar modified: seconds since the epoch.
    :ivar mark: changes whenever the content is written again:
        the ETag of S3, the time of a file in nanoseconds.
    """

    name: str
    size: int
    modified: float
    mark: str


@dataclasses.dataclass(frozen=True)
class Unfinished:
    """What a writer that was killed has left: never seen by readers, but it takes room."""

    name: str
    since: float
    handle: str


class StoreError(ReleaseError):
    """The store refused, does not answer, or has no room."""


class Missing(StoreError):
    """There is no such object."""


class Store(t.Protocol):
    where: str

    def write(
        self, name: str, stream: Readable, *, expected: int = 0, tags: t.Mapping[str, str] | None = None
    ) -> Stored:
        """The whole stream, or nothing.

        :param expected: about how many bytes will come; 0 where nobody knows.
        """

    def read(self, name: str) -> t.Iterator[bytes]:
        """In pieces of about a megabyte."""

    def stat(self, name: str) -> Stored | None:
        """None where there is no such object."""

    def listing(self, under: str = "") -> list[Stored]:
        """Everything whose name begins so, by name."""

    def delete(self, names: t.Sequence[str]) -> None:
        """What is not there is no error."""

    def tag(self, name: str, tags: t.Mapping[str, str]) -> None:
        """Tags beside those it has, where the store knows tags."""

    def unfinished(self) -> list[Unfinished]:
        """What killed writers have left, and what writers are at."""

    def discard(self, left: Unfinished) -> None:
        """What is gone by now is no error."""
