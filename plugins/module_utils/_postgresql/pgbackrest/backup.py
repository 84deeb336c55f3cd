# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""A physical backup before a release, and a point in the WAL that a restore can stop at."""

from __future__ import annotations

import re
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from .. import login
from . import repository, wal
from .connect import Ports, connect
from .repository import OPTIONS, RESTORE_POINT, PhysicalBackup, Repository, Stanza

_NAME_BYTES = 63  # pg_create_restore_point refuses longer ones
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]*")


def run(ports: Ports, context: Context) -> Result:
    """Takes the backup first and sets the restore point after it, so that a restore to it has little to replay."""
    params, now = context.params, context.clock.wall()
    release, kind = params["release"], params["type"]
    point = point_of(release)
    stanza = ports.repository.read_stanza()
    if stanza.code not in (0, repository.NO_BACKUPS):
        raise ReleaseError(
            f"{params['stanza']}: the repository is not usable: {stanza.message}.",
            done="nothing was changed",
            then=f"pgbackrest --stanza={params['stanza']} stanza-create",
        )
    backup = recent(stanza, kind, release, params["reuse_within"], now)
    has_point = backup is not None and backup.annotations.get(RESTORE_POINT) == point
    if point is None:
        has_point = True
    newest = stanza.backups[-1].label if stanza.backups else None
    before = {"backup": newest, "restore_point": point if backup and has_point else None}
    if backup and has_point:
        return _result(False, before, before, backup, now)
    if context.check_mode:
        label = backup.label if backup else f"a new one ({kind})"
        return _result(True, before, {"backup": label, "restore_point": point}, backup, now)
    if backup is None:
        backup = _take(ports.repository, context, kind, release)
    if point:
        _mark(ports, context, point, backup)
        backup = ports.repository.read_stanza().choose(backup.label, None)
    after = {"backup": backup.label, "restore_point": point}
    return _result(True, before, after, backup, context.clock.wall())


def point_of(release: str | None) -> str | None:
    if release is None:
        return None
    point = f"pre_{release}"
    if not _NAME.fullmatch(release) or len(point.encode()) > _NAME_BYTES:
        raise InputError(
            f"release: found {release}; allowed: letters, digits and ._+- , at most {_NAME_BYTES - 4} of them, as it names a restore point"
        )
    return point


def recent(
    stanza: Stanza, kind: str, release: str | None, reuse_within: int, now: float
) -> PhysicalBackup | None:
    """The newest backup that is good enough to stand for a new one; pure."""
    for backup in reversed(stanza.backups):
        if now - backup.ended > reuse_within:
            return None
        of_release = release is None or backup.annotations.get(repository.RELEASE) == release
        if backup.covers(kind) and of_release and not backup.entry.get("error"):
            return backup
    return None


def _take(repo: Repository, context: Context, kind: str, release: str | None) -> PhysicalBackup:
    stanza = repo.stanza
    # Checks that WAL reaches the repository: a backup without its WAL cannot be restored.
    repo.run("check", repo=False)
    context.say(f"{stanza}: {kind} backup")
    known = {backup.label for backup in repo.read_stanza().backups}
    began = context.clock.now()
    annotations = {repository.RELEASE: release} if release else {}
    repo.run("backup", f"--type={kind}", *repository.annotation_options(annotations))
    new = [backup for backup in repo.read_stanza().backups if backup.label not in known]
    then = f"check pgBackRest's log and the server's disk (pgbackrest --stanza={stanza} info --set=LABEL)"
    if not new:
        raise ReleaseError(f"{stanza}: pgBackRest exited with 0, but there is no new backup.", then=then)
    backup = new[-1]
    if backup.entry.get("error"):
        raise ReleaseError(f"{stanza}: the backup {backup.label} contains corrupt pages.", then=then)
    context.say(f"{stanza}: {backup.label} in {round(context.clock.now() - began)} s")
    return backup


def _mark(ports: Ports, context: Context, point: str, backup: PhysicalBackup) -> None:
    """Sets the restore point, and waits until the WAL that holds it is in the repository."""
    with ports.server.session(name="runbook.release restore point") as session:
        if session.value("SELECT pg_is_in_recovery()"):
            raise InputError(
                f"{ports.server.login.where}: found a standby; allowed: the primary, since a restore point is written into its WAL"
            )
        lsn, segment, size = session.rows(
            "SELECT p.lsn::text, pg_walfile_name(p.lsn), pg_size_bytes(current_setting('wal_segment_size')) FROM (SELECT pg_create_restore_point(%s) AS lsn) p",
            [point],
        )[0]
    ports.repository.run(
        "check", repo=False
    )  # switches to the next segment, and waits until this one is archived
    archive = ports.repository.read_stanza().archive
    if wal.parse(segment, size) not in ports.repository.segments(archive, size):
        raise ReleaseError(
            f"{ports.repository.stanza}: the WAL segment {segment} with the restore point {point} is not in the repository.",
            done=f"the backup {backup.label} is complete",
            then="check archive_command and the server's log, then run this again",
        )
    ports.repository.annotate(backup, restore_point=point)
    context.say(f"{ports.repository.stanza}: restore point {point} at {lsn}")


def _result(
    changed: bool,
    before: dict[str, t.Any],
    after: dict[str, t.Any],
    backup: PhysicalBackup | None,
    now: float,
) -> Result:
    shown = backup.as_result(now) if backup else None
    return Result(changed, before, after, {"backup": shown, "restore_point": after["restore_point"]})


OPERATION = Operation(
    {
        **OPTIONS,
        **login.OPTIONS,
        "type": Option("str", "diff", choices=["full", "diff", "incr"]),
        "release": Option("str"),
        "reuse_within": Option("int", 0, low=0),
    },
    connect,
    run,
    login.CONSTRAINTS,
)
