# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""PostgreSQL's client programs, zstd, age and gpg: their paths, versions and arguments."""

from __future__ import annotations

import os
import re
import shutil
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context

# zstd with two threads is four to five times faster than gzip -6, and smaller (measured).
_ZSTD = ["-T2", "-q"]
# Since version 16 pg_dump compresses with zstd itself, in blocks: several jobs can restore without unpacking.
NATIVE_ZSTD = 16
ENCRYPTIONS = ("age", "gpg")


class PgPrograms:
    """The programs of the machine that this runs on.

    :param folder: where PostgreSQL's are, such as ``/usr/lib/postgresql/17/bin``; empty for those on PATH.
    """

    def __init__(self, context: Context, folder: str | None) -> None:
        self._context, self._folder = context, folder

    def path(self, name: str) -> str:
        if self._folder and name.startswith("pg_"):
            found = os.path.join(self._folder, name)
            if not os.access(found, os.X_OK):
                raise InputError(
                    f"pg_bin: found {self._folder}, which has no program {name}; allowed: the folder of PostgreSQL's client programs"
                )
            return found
        found_here = shutil.which(name)
        if not found_here:
            raise ReleaseError(
                f"The program {name} is missing where this task runs.",
                then=f"install it there (Debian: {_package(name)})",
            )
        return found_here

    def major(self, name: str) -> int:
        """The major version of one of PostgreSQL's programs."""
        return int(self.version(name).partition(".")[0])

    def version(self, name: str) -> str:
        code, said, complaint = self._context.command([self.path(name), "--version"])
        found = re.search(r"\b(\d+(?:\.\d+)*)", said)
        if code != 0 or not found:
            raise ReleaseError(
                f"`{name} --version` failed with code {code}.", why=[(complaint or said).strip()]
            )
        return found[1]

    def compress(self, level: int) -> list[str]:
        return [self.path("zstd"), f"-{level}", *_ZSTD, "-c"]

    def decompress(self) -> list[str]:
        return [self.path("zstd"), "-d", "-q", "-c"]

    def encrypt(self, method: str, recipients: t.Sequence[str]) -> list[str]:
        """Recipients are public keys, so a command line may show them."""
        if method == "age":
            return [
                self.path("age"),
                "--encrypt",
                *(part for recipient in recipients for part in ("--recipient", recipient)),
            ]
        chosen = [part for recipient in recipients for part in ("--recipient", recipient)]
        return [
            self.path("gpg"),
            "--batch",
            "--yes",
            "--quiet",
            "--trust-model",
            "always",
            "--compress-algo",
            "none",
            *chosen,
            "--encrypt",
            "--output",
            "-",
        ]

    def decrypt(self, method: str, identity: str | None) -> list[str]:
        """
        :param identity: of age, the file with the private key; of gpg, another home folder than the user's.
        """
        if method == "age":
            if not identity:
                raise InputError(
                    "identity: is missing; allowed: the file with the private key, since this backup is encrypted with age"
                )
            return [self.path("age"), "--decrypt", "--identity", identity]
        return [
            self.path("gpg"),
            "--batch",
            "--quiet",
            *(["--homedir", identity] if identity else []),
            "--decrypt",
            "--output",
            "-",
        ]


def check_dump(client: int, server: int) -> None:
    """pg_dump refuses a server newer than itself (manual, pg_dump, notes)."""
    if client < server:
        raise ReleaseError(
            f"pg_dump {client} cannot dump a server of version {server}: it is older.",
            done="nothing was changed",
            then=f"install PostgreSQL's client programs of version {server} or newer where this task runs, or point pg_bin at them",
        )


def check_restore(client: int, archive: int) -> None:
    """An archive may be of a format that an older pg_restore cannot read (manual, pg_restore, notes)."""
    if client < archive:
        raise ReleaseError(
            f"pg_restore {client} may not read what pg_dump {archive} wrote: it is older.",
            done="nothing was changed",
            then=f"install PostgreSQL's client programs of version {archive} or newer where this task runs, or point pg_bin at them",
        )


def check_recipients(method: str | None, recipients: t.Sequence[str] | None) -> None:
    if method and not recipients:
        raise InputError(
            f"recipients: is missing; allowed: at least one public key, since encryption is {method}"
        )
    for recipient in recipients or ():
        if not method:
            raise InputError("encryption: is missing; allowed: age or gpg, since there are recipients")
        if recipient.startswith(("-", "AGE-SECRET-KEY-")):
            raise InputError(
                "recipients: found something that is not a public key; allowed: age1... or ssh-... for age, a key's fingerprint or address for gpg"
            )


def _package(name: str) -> str:
    return "postgresql-client" if name.startswith(("pg_", "psql")) else name
