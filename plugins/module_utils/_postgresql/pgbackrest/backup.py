# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""A physical backup before a release, and a point in the WAL that a restore can stop at."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from .. import login
from ..session import Postgres, Server
from . import repository, wal
from .programs import AsUser, LocalPrograms
from .repository import OPTIONS, PhysicalBackup, Repository, Stanza

_NAME_BYTES = 63  # pg_create_restore_point refuses longer ones
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


@dataclasses.dataclass(frozen=True)
class Ports:
    server: Server
    repository: Repository

    @classmethod
    def of(cls, context: Context) -> Ports:
        programs = LocalPrograms.of(context)
        return cls(AsUser(Postgres.of(context), programs), Repository(programs, context))


def run(ports: Ports, context: Context) -> Result:
    """The backup comes first and the restore point after it:
    a restore to the point then has next to nothing to replay.
    """
    params, release = context.params, context.params["release"]
    point = point_of(release)
    stanza = ports.repository.read_stanza()
    if stanza.code not in (0, repository.NO_BACKUPS):
        raise ReleaseError(
            f"{params['stanza']}: the repository is not usable: {stanza.message}.",
            done="nothing was changed",
            then=f"pgbackrest --stanza={params['stanza']} stanza-create",
        )
    there = recent(stanza, params, context.clock.wall())
    pointed = point is None or (
        there is not None and there.annotations.get(repository.RESTORE_POINT) == point
    )
    before = {
        "backup": stanza.backups[-1].label if stanza.backups else None,
        "restore_point": point if there and pointed else None,
    }
    if there and pointed:
        return _result(False, before, before, there, context)
    if context.check_mode:
        return _result(
            True,
            before,
            {"backup": there.label if there else f"a new one ({params['type']})", "restore_point": point},
            there,
            context,
        )
    if there is None:
        there = _take(ports.repository, context, release)
    if point:
        _mark(ports, context, point, there)
        there = ports.repository.read_stanza().choose(there.label, None)
    return _result(True, before, {"backup": there.label, "restore_point": point}, there, context)


def point_of(release: str | None) -> str | None:
    if release is None:
        return None
    point = f"pre_{release}"
    if not _NAME.fullmatch(release) or len(point.encode()) > _NAME_BYTES:
        raise InputError(
            f"release: found {release}; allowed: letters, digits and ._+- , at most {_NAME_BYTES - 4} of them, as it names a restore point"
        )
    return point


def recent(stanza: Stanza, params: dict[str, t.Any], now: float) -> PhysicalBackup | None:
    """The backup that makes another one superfluous; pure."""
    for backup in reversed(stanza.backups):
        if now - backup.ended > params["reuse_within"]:
            return None
        of_release = (
            params["release"] is None or backup.annotations.get(repository.RELEASE) == params["release"]
        )
        if backup.covers(params["type"]) and of_release and not backup.entry.get("error"):
            return backup
    return None


def _take(repo: Repository, context: Context, release: str | None) -> PhysicalBackup:
    stanza, kind = context.params["stanza"], context.params["type"]
    repo.run("check", repo=False)  # that WAL reaches the repository; a backup whose WAL does not is none
    context.say(f"{stanza}: {kind} backup")
    before, began = repo.read_stanza(), context.clock.now()
    repo.run(
        "backup",
        f"--type={kind}",
        *repository.annotation_options({repository.RELEASE: release} if release else {}),
    )
    now = repo.read_stanza()
    known = {backup.label for backup in before.backups}
    new = [backup for backup in now.backups if backup.label not in known]
    if not new or new[-1].entry.get("error"):
        raise ReleaseError(
            f"{stanza}: the backup {new[-1].label} contains corrupt pages."
            if new
            else f"{stanza}: pgBackRest exited with 0, but there is no new backup.",
            then=f"check pgBackRest's log and the server's disk (pgbackrest --stanza={stanza} info --set=LABEL)",
        )
    backup = new[-1]
    context.say(f"{stanza}: {backup.label} in {round(context.clock.now() - began)} s")
    return backup


def _mark(ports: Ports, context: Context, point: str, backup: PhysicalBackup) -> None:
    """Makes the point, and waits until the WAL that holds it is
    in the repository: before that nobody could restore to it.
    """
    with ports.server.session(name="runbook.release restore point") as session:
        if session.value("SELECT pg_is_in_recovery()"):
            raise InputError(
                f"{ports.server.login.where}: found a standby; allowed: the primary, since a restore point is written into its WAL"
            )
        lsn, segment, size = session.rows(
            "SELECT p.lsn::text, pg_walfile_name(p.lsn), pg_size_bytes(current_setting('wal_segment_size')) FROM (SELECT pg_create_restore_point(%s) AS lsn) p",
            [point],
        )[0]
    ports.repository.run("check", repo=False)  # switches to the next segment and waits until it has come
    if wal.parse(segment, size) not in ports.repository.segments(
        ports.repository.read_stanza().archive, size
    ):
        raise ReleaseError(
            f"{context.params['stanza']}: the WAL segment {segment} with the restore point {point} is not in the repository.",
            done=f"the backup {backup.label} is there and good",
            then="check archive_command and the server's log, then run this again",
        )
    ports.repository.annotate(backup, restore_point=point)
    context.say(f"{context.params['stanza']}: restore point {point} at {lsn}")


def _result(
    changed: bool, before: t.Any, after: t.Any, backup: PhysicalBackup | None, context: Context
) -> Result:
    return Result(
        changed,
        before,
        after,
        {
            "backup": backup.as_result(context.clock.wall()) if backup else None,
            "restore_point": after["restore_point"],
        },
    )


OPERATION = Operation(
    {
        **OPTIONS,
        **login.OPTIONS,
        "type": Option("str", "diff", choices=["full", "diff", "incr"]),
        "release": Option("str"),
        "reuse_within": Option("int", 0),
    },
    Ports.of,
    run,
    login.CONSTRAINTS,
)
