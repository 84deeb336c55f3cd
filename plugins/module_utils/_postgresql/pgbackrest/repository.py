# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""pgBackRest's repository, read through its own commands: backups, their annotations, the archive."""

from __future__ import annotations

import dataclasses
import datetime
import json
import typing as t

from ..._common.errors import Conflict, InputError, NotFound, ReleaseError
from ..._common.options import REQUIRED, Option
from . import wal
from .programs import PgBackRestPrograms, program_path

OPTIONS: dict[str, Option] = {
    "stanza": Option("str", REQUIRED),
    "config": Option("path"),
    "repo": Option("int", low=1, high=256),
    "program": Option("str", "pgbackrest"),
    "user": Option("str", "postgres"),
}
# Our annotations of a backup; pgBackRest keeps them in the repository.
RELEASE, RESTORE_POINT, VERIFIED, RTO = "release", "restore-point", "verified", "rto-seconds"
LOCKED, NO_BACKUPS = 50, 2
_THEN = {
    27: "check that PostgreSQL runs, and check archive_mode and archive_command",
    55: "create the stanza: pgbackrest --stanza=STANZA stanza-create",
    56: "check that PostgreSQL runs, and check pg1-path, pg1-port and pg1-socket-path",
    82: "check archive_command and the server's log: WAL does not reach the repository",
}
_COVERS = {"full": ("full",), "diff": ("full", "diff"), "incr": ("full", "diff", "incr")}


class PgBackRestError(ReleaseError):
    """
    :ivar code: its exit code (pgBackRest's src/build/error/error.yaml).
    """

    def __init__(self, what: str, code: int, **more: t.Any) -> None:
        super().__init__(what, **more)
        self.code = code


@dataclasses.dataclass(frozen=True)
class PhysicalBackup:
    """An entry of `pgbackrest info`."""

    entry: dict[str, t.Any]

    @property
    def label(self) -> str:
        return str(self.entry["label"])

    @property
    def annotations(self) -> dict[str, str]:
        return self.entry.get("annotation") or {}

    @property
    def ended(self) -> int:
        return int(self.entry["timestamp"]["stop"])

    def covers(self, kind: str) -> bool:
        """Whether it is at least as complete as a backup of this type."""
        return self.entry["type"] in _COVERS[kind]

    def as_result(self, now: float) -> dict[str, t.Any]:
        rto = self.annotations.get(RTO)
        return {
            "label": self.label,
            "type": self.entry["type"],
            "ended": _stamp(self.ended),
            "age_seconds": max(0, round(now - self.ended)),
            "seconds": self.ended - self.entry["timestamp"]["start"],
            "size": self.entry["info"]["size"],
            "stored": self.entry["info"]["repository"].get("delta", 0),
            "error": bool(self.entry.get("error")),
            "wal_start": self.entry["archive"]["start"],
            "wal_stop": self.entry["archive"]["stop"],
            "release": self.annotations.get(RELEASE),
            "restore_point": self.annotations.get(RESTORE_POINT),
            "verified": self.annotations.get(VERIFIED),
            "rto_seconds": int(rto) if rto else None,
        }


@dataclasses.dataclass(frozen=True)
class Stanza:
    """The result of `pgbackrest info`: its status, and the backups, oldest first."""

    code: int
    message: str
    busy: bool
    version: str
    archive: str
    backups: list[PhysicalBackup]

    def choose(self, label: str | None, restore_point: str | None) -> PhysicalBackup:
        """The backup that a restore starts from: the requested one, else the last before the restore point, else the
        newest.
        """
        if label:
            for backup in self.backups:
                if backup.label == label:
                    return backup
            raise NotFound(
                f"set: found {label}; allowed: one of {', '.join(backup.label for backup in self.backups) or 'none, there is no backup'}"
            )
        if not self.backups:
            raise NotFound(
                "There is no backup in the repository.", then="take one: runbook.release.pgbackrest_backup"
            )
        of_point = [
            backup
            for backup in self.backups
            if restore_point and backup.annotations.get(RESTORE_POINT) == restore_point
        ]
        return (of_point or self.backups)[-1]


@dataclasses.dataclass(frozen=True)
class RepositoryAccess:
    """How pgBackRest is called.

    :ivar repo: the number of the repository where the stanza has several; None for pgBackRest's own choice.
    """

    stanza: str
    config: str | None
    repo: int | None
    program: str

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> RepositoryAccess:
        return cls(params["stanza"], params["config"], params["repo"], params["program"])


class Repository:
    """The repository of one stanza."""

    def __init__(self, programs: PgBackRestPrograms, access: RepositoryAccess) -> None:
        self._programs, self._access, self.stanza = programs, access, access.stanza

    def run(
        self, command: str, *options: str, of: t.Sequence[str] = (), level: str = "off", repo: bool = True
    ) -> str:
        """Runs a command and returns its standard output.

        :param of: arguments after the command.
        :param level: the level of messages that are part of it.
        :param repo: whether the command works on one repository where the user chose one.
        """
        access = self._access
        chosen = [f"--config={access.config}"] if access.config else []
        if access.repo and repo:
            chosen.append(f"--repo={access.repo}")
        argv = [program_path(access.program), f"--stanza={self.stanza}", *chosen, *options]
        code, out, err = self._programs.run(
            [*argv, f"--log-level-console={level}", "--log-level-stderr=error", command, *of]
        )
        if code == 0:
            return out
        why = [line for line in err.splitlines() if line.strip()] or out.splitlines()[-5:]
        if code == LOCKED:
            raise Conflict(
                f"{self.stanza}: another pgBackRest process works on this stanza.",
                why=why,
                done="nothing was changed",
                then="wait for it to end and run this again",
            )
        raise PgBackRestError(
            f"{self.stanza}: `pgbackrest {command}` ended with code {code}.",
            code,
            why=why,
            then=_THEN.get(code, "").replace("STANZA", self.stanza),
        )

    def read_stanza(self) -> Stanza:
        stanzas = json.loads(self.run("info", "--output=json"))
        entry = next((one for one in stanzas if one["name"] == self.stanza), None)
        if entry is None:
            raise InputError(
                f"stanza: found {self.stanza}, which is not configured here; allowed: a section of pgBackRest's configuration file"
            )
        # An upgrade of the server adds a database; the newest one counts.
        database = max((one["id"] for one in entry["db"]), default=0)
        archives = [one["id"] for one in entry["archive"] if one["database"]["id"] == database]
        versions = [one["version"] for one in entry["db"] if one["id"] == database]
        return Stanza(
            code=entry["status"]["code"],
            message=entry["status"]["message"],
            busy=bool(entry["status"]["lock"]["backup"]["held"]),
            version=versions[0] if versions else "",
            archive=archives[-1] if archives else "",
            backups=[PhysicalBackup(one) for one in entry["backup"] if one["database"]["id"] == database],
        )

    def segments(self, archive: str, segment_bytes: int) -> dict[wal.Segment, int]:
        """The WAL in the repository, and when each segment was stored, in seconds since the epoch."""
        if not archive:
            return {}
        listed = json.loads(
            self.run("repo-ls", "--recurse", "--output=json", of=[f"archive/{self.stanza}/{archive}"])
        )
        names = (
            (path.rpartition("/")[2], entry) for path, entry in listed.items() if entry["type"] == "file"
        )
        # 24 digits and a hash; other files are histories of timelines, and partial segments.
        return {
            wal.parse(name, segment_bytes): int(entry.get("time", 0))
            for name, entry in names
            if wal.SEGMENT.match(name) and name[24:25] == "-"
        }

    def annotate(self, backup: PhysicalBackup, **values: object) -> None:
        self.run("annotate", f"--set={backup.label}", *annotation_options(values))


def annotation_options(values: t.Mapping[str, object]) -> list[str]:
    return [f"--annotation={name.replace('_', '-')}={value}" for name, value in values.items()]


def _stamp(seconds: int) -> str:
    return datetime.datetime.fromtimestamp(seconds, tz=datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
