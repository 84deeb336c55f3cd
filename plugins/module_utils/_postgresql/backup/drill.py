# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The restore drill: restores a backup into a scratch database, compares it, measures the time, and drops it."""

from __future__ import annotations

import typing as t

from ..._common.errors import InputError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from . import backups, load, scratch
from . import manifest as manifests
from .backup import Bytes
from .manifest import Damaged
from .options import CONSTRAINTS, LOAD, SERVER
from .ports import Ports, connect

PURPOSE = "drill"


def run(ports: Ports, context: Context) -> Result:
    params = context.params
    if params["state"] == "absent":
        return _drop(ports, context, params["scratch"])
    wall = context.clock.wall
    found = backups.of_database(ports.store, ports.server.login.database)
    chosen = backups.choose(found, params["backup"], ports.store.where)
    report = chosen.as_result(wall())
    if chosen.verified and not params["keep"] and _is_recent(chosen, params["reuse_within"], wall()):
        values = {"backup": report, "rto_seconds": chosen.verified["rto_seconds"], "scratch": None}
        return Result(False, values=values)
    with ports.server.session(scratch.MAINTENANCE) as session:
        version = session.value("SELECT current_setting('server_version_num')::int")
    load.check(ports.programs, chosen.manifest, version)
    before = {"backup": chosen.id, "verified": report["verified"]}
    after = {"backup": chosen.id, "verified": True}
    if context.check_mode:
        return Result(True, before, after, {"backup": report, "rto_seconds": None, "scratch": None})
    options = load.LoadOptions(params["jobs"], params["identity"], params["spool"], owners=False)
    seconds, kept = _drill(ports, context, chosen, options, params["keep"])
    stored = {
        part["name"]: t.cast("t.Any", ports.store.stat(f"{chosen.id}/{part['name']}")).mark
        for part in manifests.parts(chosen.manifest)
    }
    verified = {
        "at": context.clock.stamp(),
        "rto_seconds": seconds,
        "server_version_num": version,
        "marks": stored,
    }
    ports.store.write(f"{chosen.id}/{manifests.VERIFIED}", Bytes(manifests.text(verified)))
    ports.store.tag(f"{chosen.id}/{chosen.manifest['dump']['name']}", {"verified": "true"})
    now = backups.Backup(chosen.manifest, verified, []).as_result(wall())
    return Result(True, before, after, {"backup": now, "rto_seconds": seconds, "scratch": kept})


def _is_recent(chosen: backups.Backup, reuse_within: int, now: float) -> bool:
    """Whether its last drill is recent enough to stand for a new one."""
    if not chosen.verified or not reuse_within:
        return False
    return now - manifests.seconds(chosen.verified["at"]) <= reuse_within


def _drill(
    ports: Ports, context: Context, chosen: backups.Backup, options: load.LoadOptions, keep: int
) -> tuple[int, str | None]:
    """Seconds that the restore took, and the name of the copy where it is kept.

    :param keep: seconds for which the copy is kept.
    """
    manifest, database = chosen.manifest, chosen.manifest["database"]
    with scratch.scratch(
        ports.server, database, PURPOSE, manifest["created_as"], context, lambda: keep
    ) as copy:
        context.say(f"{database}: restoring {chosen.id} into {copy}")
        began = context.clock.now()
        load.Loader(ports, context, manifest, options).fill(copy)
        load.analyze(ports.server, copy)
        seconds = round(context.clock.now() - began)
        reasons = load.proof(ports.server, copy, manifest)
        if reasons:
            raise Damaged(
                f"{chosen.id} does not restore to what was backed up.",
                why=reasons[:20] + ([f"and {len(reasons) - 20} more"] if len(reasons) > 20 else []),
                done=f"the scratch database {copy} is dropped; the backup is not marked as verified",
                then="take another backup and drill it; do not release on this one",
            )
        rows = sum(table["rows"] for table in manifest["content"]["tables"].values())
        context.say(
            f"{database}: {chosen.id} restored in {seconds} s; {len(manifest['content']['tables'])} tables and {rows} rows are what they were"
        )
    return seconds, copy if keep else None


def _drop(ports: Ports, context: Context, name: str) -> Result:
    """Drops a copy that a drill has kept."""
    with ports.server.session(scratch.MAINTENANCE) as session:
        exists = bool(name) and scratch.exists(session, name)
        if exists and "kept_until" not in scratch.remark(session, name):
            raise InputError(
                f"scratch: found {name}, which no drill created; allowed: the scratch database that a drill returned"
            )
        if exists and not context.check_mode:
            scratch.drop(session, name)
    before = {"scratch": name} if exists else {}
    return Result(exists, before, {}, {"backup": None, "rto_seconds": None, "scratch": None})


OPERATION = Operation(
    {
        **SERVER,
        **LOAD,
        "backup": Option("str", "newest"),
        "state": Option("str", "present", choices=["present", "absent"]),
        "keep": Option("int", 0, low=0),
        "scratch": Option("str"),
        "reuse_within": Option("int", 0, low=0),
    },
    connect,
    run,
    {**CONSTRAINTS, "required_if": [["state", "absent", ["scratch"]]]},
)
