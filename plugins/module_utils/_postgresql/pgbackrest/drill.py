# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The drill of a physical backup: restores it to a point in time beside the original, starts the copy, queries it,
measures the time, and removes it.
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
from ..health.health import DataQueries
from ..session import Postgres, Server
from . import info, repository, scratch_server, wal
from . import scratch_folder as scratch
from .programs import LocalPrograms, PgBackRestPrograms
from .repository import OPTIONS, PhysicalBackup, Repository, RepositoryAccess

_ROOM = 1.1  # times the size of the cluster, because WAL is added
_RESTORES = re.compile(r"restore backup set ([0-9]{8}-[0-9]{6}F(?:_[0-9]{8}-[0-9]{6}[DI])?)")
_THEN = "take a full backup and drill it; do not release on this one"
_NOT_MARKED = "the copy is stopped and removed; the backup is not marked as verified"
# With these a target says where recovery ends.
_TARGETED = ("name", "time", "lsn")


@dataclasses.dataclass(frozen=True)
class Ports:
    """
    :ivar serve: the server whose socket is in a folder.
    """

    programs: PgBackRestPrograms
    repository: Repository
    serve: t.Callable[[str], Server]


@dataclasses.dataclass(frozen=True)
class Target:
    """Where recovery ends, and from which backup it starts.

    :ivar backup: label of the backup; None lets pgBackRest or the target choose.
    """

    type: str
    value: str | None
    backup: str | None

    @property
    def is_end_of_archive(self) -> bool:
        return self.type == "default"

    def arguments(self, chosen: PhysicalBackup) -> list[str]:
        """For `pgbackrest restore`."""
        arguments = [f"--type={self.type}"]
        if self.value is not None:
            arguments.append(f"--target={self.value}")
        if not self.is_end_of_archive:
            arguments.append("--target-action=promote")
        # For a time, pgBackRest itself finds the backup to start from.
        if self.type != "time" or self.backup:
            arguments.append(f"--set={chosen.label}")
        return arguments


@dataclasses.dataclass(frozen=True)
class DrillOptions:
    """How the copy is made and queried.

    :ivar directory: folder in which the copy is made.
    :ivar settings: settings of the copy's server, beside those that it needs.
    :ivar timeout: seconds until the copy has to be through recovery.
    :ivar database: the database that the queries ask.
    """

    directory: str
    target: Target
    wal_segment_bytes: int
    jobs: int | None
    settings: t.Mapping[str, t.Any]
    timeout: int
    database: str
    questions: DataQueries


@dataclasses.dataclass(frozen=True)
class Drilled:
    """The outcome of a drill.

    :ivar label: of the backup that was restored.
    :ivar lsn: where recovery ended.
    """

    label: str
    seconds: int
    lsn: str
    values: dict[str, t.Any]


def connect(context: Context) -> Ports:
    programs = LocalPrograms(context.params["user"])
    user = context.params["login_user"]
    return Ports(
        programs,
        Repository(programs, RepositoryAccess.of(context.params)),
        lambda folder: Postgres(scratch_server.login(folder, user)),
    )


def run(ports: Ports, context: Context) -> Result:
    params, now = context.params, context.clock.wall()
    target = Target(params["target_type"], params["target"], params["set"])
    options = DrillOptions(
        directory=params["directory"],
        target=target,
        wal_segment_bytes=params["wal_segment_bytes"],
        jobs=params["jobs"],
        settings=params["settings"],
        timeout=params["timeout"],
        database=params["database"],
        questions=DataQueries(params["queries"], params["query_timeout"], params["before"]),
    )
    _check(options)
    stanza = ports.repository.read_stanza()
    chosen = stanza.choose(target.backup, target.value if target.type == "name" else None)
    verified = chosen.annotations.get(repository.VERIFIED)
    before = {"backup": chosen.label, "verified": verified}
    shown = chosen.as_result(now)
    values: dict[str, t.Any] = {"backup": shown, "rto_seconds": None, "recovered_to": None, "found": {}}
    if verified and params["reuse_within"] and now - seconds_of(verified) <= params["reuse_within"]:
        return Result(False, values={**values, "rto_seconds": shown["rto_seconds"]})
    binaries = scratch_server.programs_folder(stanza.version, params["pg_bin"])
    _check_room(options.directory, chosen)
    segments = ports.repository.segments(stanza.archive, options.wal_segment_bytes)
    _check_wal(ports.repository.stanza, chosen, segments, options)
    if context.check_mode:
        return Result(True, before, {"backup": chosen.label, "verified": "when it passes"}, values)
    drilled = _drill(ports, context, options, chosen, binaries, segments)
    used = ports.repository.read_stanza().choose(drilled.label, None)
    ports.repository.annotate(used, verified=context.clock.stamp(), rto_seconds=drilled.seconds)
    proven = ports.repository.read_stanza().choose(drilled.label, None)
    values = {
        "backup": proven.as_result(context.clock.wall()),
        "rto_seconds": drilled.seconds,
        "recovered_to": drilled.lsn,
        "found": drilled.values,
    }
    after = {"backup": drilled.label, "verified": proven.annotations[repository.VERIFIED]}
    return Result(True, before, after, values)


def _check(options: DrillOptions) -> None:
    wal.check_segment_bytes(options.wal_segment_bytes)
    wrong = data.problems(options.questions.queries)
    target = options.target
    if (target.type in _TARGETED) != (target.value is not None):
        wrong.append(
            f"target: found {target.value or 'nothing'} with target_type {target.type}; allowed: a target with name, time and lsn"
        )
    if wrong:
        raise InputError("The options do not go together; nothing was restored.", why=wrong)


def _check_room(directory: str, backup: PhysicalBackup) -> None:
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


def _check_wal(
    stanza: str, chosen: PhysicalBackup, segments: t.Collection[wal.Segment], options: DrillOptions
) -> None:
    lacking = info.incomplete([chosen], segments, options.wal_segment_bytes)
    # The server itself reports a target that it cannot reach; but it takes a gap for the end of the archive.
    if options.target.is_end_of_archive:
        lacking += info.unreachable([chosen], segments, options.wal_segment_bytes)
    if lacking:
        raise ReleaseError(
            f"{stanza}: {chosen.label} is not a usable backup.",
            why=lacking,
            done="nothing was restored",
            then=_THEN,
        )


def _drill(
    ports: Ports,
    context: Context,
    options: DrillOptions,
    chosen: PhysicalBackup,
    binaries: str,
    segments: t.Mapping[wal.Segment, int],
) -> Drilled:
    stanza = ports.repository.stanza
    with scratch.folder(options.directory, stanza, ports.programs, context) as folder:
        context.say(f"{stanza}: restoring {chosen.label} into {folder}")
        began = context.clock.now()
        label, server = chosen.label, ports.serve(folder)
        copy = scratch_server.Copy(folder, binaries, ports.programs, server)
        try:
            label = _restore(ports.repository, options, chosen, folder)
            with scratch_server.started(copy, options.settings, context, options.timeout):
                seconds = round(context.clock.now() - began)
                lsn = _recovery_end(server)
                answers = _Answers(server, options)
                end = options.target.is_end_of_archive
                gap = cut_short(lsn, segments, options.wal_segment_bytes) if end else []
                reasons = gap + answers.reasons
        except ReleaseError as exc:
            exc.what = f"{stanza}: {label} cannot be restored as requested. {exc.what}"
            exc.done = exc.done or _NOT_MARKED
            exc.then = exc.then or _THEN
            raise
        if reasons:
            raise ReleaseError(
                f"{stanza}: {label} does not restore to the expected state.",
                why=reasons,
                done=_NOT_MARKED,
                then=_THEN,
            )
        context.say(f"{stanza}: {label} restored and up in {seconds} s, recovered to {lsn}")
        return Drilled(label, seconds, lsn, answers.values)


def _restore(repo: Repository, options: DrillOptions, chosen: PhysicalBackup, folder: str) -> str:
    """Restores, and returns the label of the backup. Tablespaces go into the folder, too."""
    jobs = [f"--process-max={options.jobs}"] if options.jobs else []
    places = [f"--pg1-path={folder}/data", f"--tablespace-map-all={folder}/tablespaces"]
    arguments = [*options.target.arguments(chosen), *jobs, *places, "--archive-mode=off"]
    output = repo.run("restore", *arguments, level="info")
    restored = _RESTORES.search(output)
    return restored[1] if restored else chosen.label


def _recovery_end(server: Server) -> str:
    """Where recovery ended and the copy started its own timeline, from the history of that."""
    with server.session(name="runbook.release drill") as session:
        timeline = session.value("SELECT substr(pg_walfile_name(pg_current_wal_lsn()), 1, 8)")
        history = session.value("SELECT pg_read_file(%s)", [f"pg_wal/{timeline}.history"])
    return str(
        [line.split() for line in history.splitlines() if line.strip() and not line.startswith("#")][-1][1]
    )


def cut_short(lsn: str, segments: t.Collection[wal.Segment], segment_bytes: int) -> list[str]:
    """Whether a recovery to the end of the archive stopped at a gap, which the server does not report; pure."""
    last = max(segments, default=None)
    if last is None or wal.of_lsn(lsn, segment_bytes) >= last.number:
        return []
    name = wal.name(last, segment_bytes)
    return [f"recovery ended at {lsn}, the archive goes on to {name}: the WAL between is missing or damaged"]


class _Answers:
    """What the copy answers: whether all of its databases can be opened, and the user's queries."""

    def __init__(self, server: Server, options: DrillOptions) -> None:
        self.reasons: list[str] = []
        self.values: dict[str, t.Any] = {"databases": _sizes(server), "queries": {}}
        with server.session(options.database) as session:
            for query in options.questions.queries:
                name = query["name"]
                value, reason, unknown = data.ask(session, query, options.questions.timeout)
                self.values["queries"][name] = value
                failed = reason or unknown
                before = options.questions.answer_before(name)
                lines = [failed] if failed else data.reasons(query, value, before)
                self.reasons += [f"{name}: {line}" for line in lines]


def _sizes(server: Server) -> dict[str, int]:
    with server.session() as session:
        rows = session.rows(
            "SELECT datname FROM pg_database WHERE datallowconn AND datname <> 'template0' ORDER BY 1"
        )
    sizes = {}
    for (name,) in rows:
        with server.session(name) as session:
            sizes[name] = session.value("SELECT pg_database_size(current_database())")
    return sizes


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
        "jobs": Option("int", low=1, high=999),
        "timeout": Option("int", 3600, low=1),
        "login_user": Option("str", "postgres"),
        "database": Option("str", "postgres"),
        "reuse_within": Option("int", 0, low=0),
    },
    connect,
    run,
)
