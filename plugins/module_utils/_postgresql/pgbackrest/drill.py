# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The drill of a physical backup: restored to a point in time
beside the original, started, asked, timed, and taken away again.
"""

from __future__ import annotations

import dataclasses
import os
import re
import shutil
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..backup.manifest import seconds as seconds_of
from ..health import data
from ..session import Postgres, Server
from . import info, repository, scratch_server, wal
from . import scratch_folder as scratch
from .programs import LocalPrograms, PgBackRestPrograms
from .repository import OPTIONS, PhysicalBackup, Repository

_ROOM = 1.1  # of the cluster's size: WAL comes to it
_RESTORES = re.compile(r"restore backup set ([0-9]{8}-[0-9]{6}F(?:_[0-9]{8}-[0-9]{6}[DI])?)")


@dataclasses.dataclass(frozen=True)
class Ports:
    programs: PgBackRestPrograms
    repository: Repository
    serve: t.Callable[[str], Server]  # of a folder with the socket of a copy

    @classmethod
    def of(cls, context: Context) -> Ports:
        programs = LocalPrograms.of(context)
        return cls(
            programs,
            Repository(programs, context),
            lambda folder: Postgres(scratch_server.login(folder, context.params["login_user"])),
        )


def run(ports: Ports, context: Context) -> Result:
    params, now = context.params, context.clock.wall()
    _check(params)
    stanza = ports.repository.read_stanza()
    chosen = stanza.choose(params["set"], params["target"] if params["target_type"] == "name" else None)
    verified = chosen.annotations.get(repository.VERIFIED)
    before = {"backup": chosen.label, "verified": verified}
    if verified and params["reuse_within"] and now - seconds_of(verified) <= params["reuse_within"]:
        return Result(
            False,
            values={
                "backup": chosen.as_result(now),
                "rto_seconds": chosen.as_result(now)["rto_seconds"],
                "recovered_to": None,
                "found": {},
            },
        )
    binaries = scratch_server.programs_folder(stanza.version, params["pg_bin"])
    _room(params["directory"], chosen)
    segments = ports.repository.segments(stanza.archive, params["wal_segment_bytes"])
    lacks = info.incomplete([chosen], segments, params)
    # A point is reached or not, and the server tells; at the end of the archive it takes a gap for the end.
    lacks += info.unreachable([chosen], segments, params) if params["target_type"] == "default" else []
    if lacks:
        raise ReleaseError(
            f"{params['stanza']}: {chosen.label} is not a usable backup.",
            why=lacks,
            done="nothing was restored",
            then=_THEN,
        )
    if context.check_mode:
        after = {"backup": chosen.label, "verified": "when it passes"}
        return Result(
            True,
            before,
            after,
            {"backup": chosen.as_result(now), "rto_seconds": None, "recovered_to": None, "found": {}},
        )
    seconds, lsn, values, label = _drill(ports, context, chosen, binaries, segments)
    used = ports.repository.read_stanza().choose(label, None)
    ports.repository.annotate(used, verified=context.clock.stamp(), rto_seconds=seconds)
    proven = ports.repository.read_stanza().choose(label, None)
    told = {
        "backup": proven.as_result(context.clock.wall()),
        "rto_seconds": seconds,
        "recovered_to": lsn,
        "found": values,
    }
    return Result(True, before, {"backup": label, "verified": proven.annotations[repository.VERIFIED]}, told)


_THEN = "take a full backup and drill it; do not release on this one"


def _check(params: dict[str, t.Any]) -> None:
    info.check(params)
    wrong = data.problems(params["queries"])
    if (params["target_type"] in ("name", "time", "lsn")) != (params["target"] is not None):
        wrong.append(
            f"target: found {params['target'] or 'nothing'} with target_type {params['target_type']}; allowed: a target with name, time and lsn"
        )
    if wrong:
        raise InputError("The options do not go together; nothing was restored.", why=wrong)


def _room(directory: str, backup: PhysicalBackup) -> None:
    if not os.path.isdir(directory):
        raise InputError(
            f"directory: found {directory}, which does not exist; allowed: a folder on a disk with room for the whole cluster"
        )
    needed, free = round(backup.entry["info"]["size"] * _ROOM), shutil.disk_usage(directory).free
    if free < needed:
        raise ReleaseError(
            f"{directory}: {free} bytes are free, {needed} are needed to restore {backup.label}.",
            done="nothing was restored",
        )


def _drill(
    ports: Ports,
    context: Context,
    chosen: PhysicalBackup,
    binaries: str,
    segments: t.Mapping[wal.Segment, int],
) -> tuple[int, str, dict[str, t.Any], str]:
    params, stanza = context.params, context.params["stanza"]
    with scratch.folder(params["directory"], stanza, ports.programs, context) as folder:
        context.say(f"{stanza}: restoring {chosen.label} into {folder}")
        began = context.clock.now()
        label, server = chosen.label, ports.serve(folder)
        try:
            label = _restore(ports.repository, params, chosen, folder)
            with scratch_server.started(
                folder, binaries, ports.programs, server, params["settings"], context, params["timeout"]
            ):
                seconds = round(context.clock.now() - began)
                lsn = _recovery_end(server)
                reasons = cut_short(lsn, segments, params) + (answers := _Answers(server, params)).reasons
        except ReleaseError as exc:
            exc.what = f"{stanza}: {label} cannot be restored as requested. {exc.what}"
            exc.done, exc.then = (
                exc.done or "the copy is stopped and removed; the backup is not marked as verified",
                exc.then or _THEN,
            )
            raise
        if reasons:
            raise ReleaseError(
                f"{stanza}: {label} does not restore to the expected state.",
                why=reasons,
                done="the copy is stopped and removed; the backup is not marked as verified",
                then=_THEN,
            )
        context.say(f"{stanza}: {label} restored and up in {seconds} s, recovered to {lsn}")
        return seconds, lsn, answers.values, label


def _restore(repo: Repository, params: dict[str, t.Any], chosen: PhysicalBackup, folder: str) -> str:
    """Tablespaces go into the folder as well: where they were, the original's still are."""
    kind = params["target_type"]
    target = [f"--target={params['target']}"] if params["target"] is not None else []
    # Before a time pgBackRest itself finds the backup to begin with.
    begin = [] if kind == "time" and not params["set"] else [f"--set={chosen.label}"]
    action = ["--target-action=promote"] if kind != "default" else []
    jobs = [f"--process-max={params['jobs']}"] if params["jobs"] else []
    places = [f"--pg1-path={folder}/data", f"--tablespace-map-all={folder}/tablespaces"]
    said = repo.run(
        "restore",
        f"--type={kind}",
        *target,
        *action,
        *begin,
        *jobs,
        *places,
        "--archive-mode=off",
        level="info",
    )
    found = _RESTORES.search(said)
    return found[1] if found else chosen.label


def _recovery_end(server: Server) -> str:
    """Where recovery ended and the copy went its own way, from the history of its timeline."""
    with server.session(name="runbook.release drill") as session:
        timeline = session.value("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
        history = session.value("SELECT pg_read_file(%s)", [f"pg_wal/{timeline}.history"])
    return str(
        [line.split() for line in history.splitlines() if line.strip() and not line.startswith("#")][-1][1]
    )


def cut_short(lsn: str, segments: t.Mapping[wal.Segment, int], params: dict[str, t.Any]) -> list[str]:
    """Recovery to the end of the archive stops at a gap without a word; pure."""
    size = params["wal_segment_bytes"]
    if params["target_type"] != "default" or not segments:
        return []
    last = max(segments)
    if wal.of_lsn(lsn, size) >= last.number:
        return []
    return [
        f"recovery ended at {lsn}, the archive goes on to {wal.name(last, size)}: the WAL between is missing or damaged"
    ]


class _Answers:
    """What the copy says of itself: all of its databases can be opened, and the user's questions."""

    def __init__(self, server: Server, params: dict[str, t.Any]) -> None:
        self.reasons: list[str] = []
        with server.session() as session:
            names = [
                name
                for (name,) in session.rows(
                    "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template0' ORDER BY 1"
                )
            ]
        sizes, answers = {}, {}
        for name in names:
            with server.session(name) as session:
                sizes[name] = session.value("SELECT pg_database_size(current_database())")
        earlier = (params["before"] or {}).get("queries") or {}
        with server.session(params["database"]) as session:
            for query in params["queries"]:
                value, reason, unknown = data.ask(session, query, params["query_timeout"])
                answers[query["name"]] = value
                said = (
                    [reason or unknown]
                    if reason or unknown
                    else data.reasons(query, value, earlier.get(query["name"]))
                )
                self.reasons += [f"{query['name']}: {line}" for line in said]
        self.values = {"databases": sizes, "queries": answers}


OPERATION = Operation(
    {
        **OPTIONS,
        **wal.OPTIONS,
        **data.OPTIONS,
        "directory": Option("path", REQUIRED),
        "set": Option("str"),
        "target_type": Option("str", "default", choices=["default", "immediate", "name", "time", "lsn"]),
        "target": Option("str"),
        "pg_bin": Option("path"),
        "settings": Option("dict", {}),
        "jobs": Option("int", low=1),
        "timeout": Option("int", 3600, low=1),
        "login_user": Option("str", "postgres"),
        "database": Option("str", "postgres"),
        "reuse_within": Option("int", 0),
    },
    Ports.of,
    run,
)
