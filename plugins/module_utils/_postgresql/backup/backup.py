# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Takes a backup of one database: dumped, compressed, encrypted and stored in one stream, with its hashes."""

from __future__ import annotations

import contextlib
import dataclasses
import hashlib
import threading
import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from ..._common.owner import identity
from .. import lock
from ..session import Session
from . import backups, content, programs
from . import manifest as manifests
from .manifest import Manifest
from .options import CONSTRAINTS, SERVER
from .pipeline import Pipeline, Program
from .ports import Ports, connect
from .programs import ENCRYPTIONS
from .progress import Progress, amount
from .stores.store import Readable, Store, Stored

# How long pg_dump waits for a locked table. A waiting dump blocks nobody, but a release waits for it.
_TABLE_LOCK_MILLISECONDS = 60_000
_GLOBALS_BYTES = 1 << 20  # an estimate, for the size of a part


@dataclasses.dataclass(frozen=True)
class Source:
    """The database that is backed up.

    :ivar facts: what a dump does not hold, for a restore that creates the database.
    """

    database: str
    version: int
    version_text: str
    bytes: int
    facts: dict[str, t.Any]


def observe(ports: Ports) -> Source:
    with ports.server.session() as session:
        name, version, text, size = session.rows(
            "SELECT current_database(), current_setting('server_version_num')::int, current_setting('server_version'), pg_database_size(current_database())"
        )[0]
        return Source(name, version, text, size, facts(session, name))


def facts(session: Session, database: str) -> dict[str, t.Any]:
    """What a dump of a single database leaves out: how it was created, its privileges, its own settings."""
    ((owner, encoding, collate, ctype, limit),) = session.rows(
        "SELECT pg_get_userbyid(datdba), pg_encoding_to_char(encoding), datcollate, datctype, datconnlimit FROM pg_database WHERE datname = %s",
        [database],
    )
    grants = session.rows(
        "SELECT CASE WHEN a.grantee = 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(a.grantee)) END, a.privilege_type, a.is_grantable"
        " FROM pg_database d, aclexplode(coalesce(d.datacl, acldefault('d', d.datdba))) a WHERE d.datname = %s ORDER BY 1, 2",
        [database],
    )
    settings = session.rows(
        "SELECT coalesce(quote_ident(pg_get_userbyid(nullif(s.setrole, 0))), ''), unnest(s.setconfig) FROM pg_db_role_setting s"
        " JOIN pg_database d ON d.oid = s.setdatabase WHERE d.datname = %s ORDER BY 1, 2",
        [database],
    )
    return {
        "owner": owner,
        "encoding": encoding,
        "lc_collate": collate,
        "lc_ctype": ctype,
        "connection_limit": limit,
        "grants": [list(grant) for grant in grants],
        "settings": [list(setting) for setting in settings],
    }


@dataclasses.dataclass(frozen=True)
class BackupOptions:
    """What is taken, and how.

    :ivar timeout: seconds that the dump may take.
    """

    kind: str
    release: str | None
    globals: bool
    hashes: bool
    compression_level: int
    encryption: str | None
    recipients: t.Sequence[str]
    tags: t.Mapping[str, str]
    timeout: int

    @property
    def purpose(self) -> str:
        return self.release or self.kind

    def name(self, database: str, now: float) -> str:
        return manifests.identifier(database, self.kind, self.release, now)


def run(ports: Ports, context: Context) -> Result:
    params, wall = context.params, context.clock.wall
    options = BackupOptions(
        kind=params["kind"],
        release=params["release"],
        globals=params["globals"],
        hashes=params["hashes"],
        compression_level=params["compression_level"],
        encryption=params["encryption"],
        recipients=params["recipients"] or (),
        tags=params["tags"] or {},
        timeout=params["timeout"],
    )
    manifests.check_names(options.kind, options.release)
    programs.check_recipients(options.encryption, options.recipients)
    source = observe(ports)
    client = ports.programs.version("pg_dump")
    programs.check_dump(int(client.partition(".")[0]), source.version // 10000)
    earlier = backups.of_database(ports.store, source.database)
    newest = backups.newest(earlier, release=options.release, kind=options.kind)
    if newest and params["reuse_within"] and wall() - newest.taken <= params["reuse_within"]:
        return Result(False, values={"backup": newest.as_result(wall()), "reused": True})
    if context.check_mode:
        after = _after(ports, source, options.name(source.database, wall()))
        return Result(True, {}, after, {"backup": None, "reused": False})
    wait_timeout = params["lock_wait_timeout"]
    with lock.held(ports.server, f"backup {options.purpose}", context, wait_timeout=wait_timeout):
        name = _free_name(ports.store, source.database, context, options)
        manifest = _BackupRun(ports, context, source, options, name, client).take(earlier)
    taken = backups.Backup(manifest, None, [])
    values = {"backup": taken.as_result(wall()), "reused": False}
    return Result(True, {}, _after(ports, source, name), values)


def _after(ports: Ports, source: Source, name: str) -> dict[str, t.Any]:
    return {"backup": name, "database": source.database, "where": ports.store.where}


def _free_name(store: Store, database: str, context: Context, options: BackupOptions) -> str:
    """Names hold the time in whole seconds, so a second backup within one waits for the next second."""
    while True:
        name = options.name(database, context.clock.wall())
        if not store.listing(f"{name}/"):
            return name
        context.clock.sleep(1)


class _BackupRun:
    """A backup that is being taken.

    :param client: version of pg_dump.
    """

    def __init__(
        self, ports: Ports, context: Context, source: Source, options: BackupOptions, name: str, client: str
    ) -> None:
        self._ports, self._context, self._source = ports, context, source
        self._options, self._name, self._client = options, name, client
        self._written: list[str] = []

    def take(self, earlier: t.Sequence[backups.Backup]) -> Manifest:
        began = self._context.clock.now()
        self._context.say(
            f"{self._source.database}: {amount(self._source.bytes)} on the server, backup {self._name} to {self._ports.store.where}"
        )
        try:
            manifest = self._take(_last_uncompressed(earlier))
            manifest["seconds"] = round(self._context.clock.now() - began)
            self._write(manifests.MANIFEST, Bytes(manifests.text(manifest)))
        except BaseException as exc:
            left = self._undo()
            if isinstance(exc, ReleaseError):
                removed = "nothing of this backup is left in the store; backups taken before it are untouched"
                exc.done = exc.done or removed + left
                exc.then = exc.then or "fix the cause, then run the same command again"
            raise
        dump = manifest["dump"]
        self._context.say(
            f"{self._source.database}: backup taken in {manifest['seconds']} s, {amount(dump['size'])} stored,"
            f" {len(manifest['content']['tables'])} tables; it counts once a restore has proven it (pg_restore_drill)"
        )
        return manifest

    def _take(self, expected: int | None) -> Manifest:
        server, by_record = self._ports.server, self._source.version >= content.HASH_OF_RECORDS
        name = lock.holder_name(f"dump {self._options.purpose}", self._context)
        # Limits for ordinary statements do not apply to a dump.
        options = {"statement_timeout": "0", "idle_in_transaction_session_timeout": "0"}
        # A single process needs half the time of pg_dump (measured); parallel workers would slow pg_dump down.
        alone = {**options, "max_parallel_workers_per_gather": "0"}
        with (
            server.session(name=name, options=options) as session,
            server.session(name=name, options=alone) as reader,
        ):
            session.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            snapshot, lsn = session.rows(
                "SELECT pg_export_snapshot(), (CASE WHEN pg_is_in_recovery() THEN pg_last_wal_replay_lsn() ELSE pg_current_wal_lsn() END)::text"
            )[0]
            taken = self._context.clock.stamp()
            reader.execute(
                f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET TRANSACTION SNAPSHOT '{snapshot}'"
            )
            total = expected or sum(table.size for table in content.tables(reader, by_record))
            # In parallel with the dump: it reads what the dump has just brought into the server's memory.
            with _InBackground(
                lambda: (content.read(reader, by_record, self._options.hashes), self._globals()), reader
            ) as beside:
                dump, uncompressed = self._dump(snapshot, total)
                held, everything_else = beside.result()
        return {
            "format": manifests.FORMAT,
            "id": self._name,
            "database": self._source.database,
            "kind": self._options.kind,
            "release": self._options.release,
            "taken_by": identity(self._context.controller),
            "source": self._ports.server.login.where,
            "snapshot_at": taken,
            "lsn": lsn,
            "server_version": self._source.version_text,
            "server_version_num": self._source.version,
            "client_version": self._client,
            "database_bytes": self._source.bytes,
            "uncompressed_bytes": uncompressed,
            "created_as": self._source.facts,
            "hashed_by": "record" if by_record else "text",
            "content": held,
            "dump": dump,
            "globals": everything_else,
        }

    def _dump(self, snapshot: str, total: int) -> tuple[dict[str, t.Any], int | None]:
        native = int(self._client.partition(".")[0]) >= programs.NATIVE_ZSTD
        level = self._options.compression_level
        argv = [
            self._ports.programs.path("pg_dump"), "--format=custom", f"--compress=zstd:{level}" if native else "--compress=0",
            f"--snapshot={snapshot}", f"--lock-wait-timeout={_TABLE_LOCK_MILLISECONDS}", "--no-password",
        ]  # fmt: skip
        chain = [self._program(argv), *([] if native else [Program(self._ports.programs.compress(level))])]
        ending = ".dump" if native else ".dump.zst"
        with (
            self._stream(f"The dump of {self._source.database}", chain) as pipe,
            Progress(self._context, self._source.database, total, pipe, self._options.timeout) as progress,
        ):
            part = self._stored(f"database{ending}", progress, expected=total)
            return {**part, "compression": "native" if native else "zstd"}, progress.read_so_far

    def _globals(self) -> dict[str, t.Any] | None:
        """Dumps roles and tablespaces, which a dump of one database refers to but does not hold."""
        if not self._options.globals:
            return None
        with self._ports.server.session() as session:
            everything = session.value("SELECT has_table_privilege('pg_catalog.pg_authid', 'SELECT')")
        # Managed servers (RDS, Cloud SQL) do not show the hashes of passwords.
        argv = [
            self._ports.programs.path("pg_dumpall"),
            "--globals-only",
            "--no-password",
            *([] if everything else ["--no-role-passwords"]),
        ]
        chain = [self._program(argv), Program(self._ports.programs.compress(3))]
        with self._stream("The dump of roles and tablespaces", chain) as pipe:
            return {
                **self._stored("globals.sql.zst", pipe, expected=_GLOBALS_BYTES),
                "compression": "zstd",
                "passwords": everything,
            }

    def _program(self, argv: t.Sequence[str]) -> Program:
        login = self._ports.server.login.having(
            dbname=self._source.database, application_name=lock.holder_name("dump", self._context)
        )
        return Program(argv, login.environment())

    def _stream(self, what: str, chain: list[Program]) -> Pipeline:
        if method := self._options.encryption:
            chain = [*chain, Program(self._ports.programs.encrypt(method, self._options.recipients))]
        return Pipeline(what, chain)

    def _stored(self, name: str, stream: Readable, expected: int) -> dict[str, t.Any]:
        name += f".{self._options.encryption}" if self._options.encryption else ""
        hashing = Hashing(stream)
        stored = self._write(name, hashing, expected)
        return {
            "name": name,
            "size": stored.size,
            "sha256": hashing.sha256,
            "mark": stored.mark,
            "encryption": self._options.encryption,
        }

    def _write(self, name: str, stream: Readable, expected: int = 0) -> Stored:
        self._written.append(f"{self._name}/{name}")
        tags = {
            "kind": self._options.kind,
            "database": manifests.folder(self._source.database),
            **self._options.tags,
        }
        return self._ports.store.write(f"{self._name}/{name}", stream, expected=expected, tags=tags)

    def _undo(self) -> str:
        try:
            self._ports.store.delete(self._written)
        except ReleaseError as exc:
            return f", but {', '.join(self._written)} could not be removed ({exc.what}); without a manifest it is not a backup, and pg_backup_prune removes it"
        return ""


def _last_uncompressed(earlier: t.Sequence[backups.Backup]) -> int | None:
    """The size of the newest dump before compression: about the size of the next one."""
    sizes = (backup.manifest["uncompressed_bytes"] for backup in earlier)
    return next((size for size in sizes if size), None)


class Hashing:
    """A stream that computes the SHA-256 of what is read."""

    def __init__(self, stream: Readable) -> None:
        self._stream, self._hash = stream, hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    @property
    def sha256(self) -> str:
        return self._hash.hexdigest()


class Bytes:
    """Bytes as a stream."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def read(self, size: int = -1) -> bytes:
        end = len(self._data) if size < 0 else size
        data, self._data = self._data[:end], self._data[end:]
        return data


class _InBackground:
    """Work on a session in a thread of its own; when the block fails, its current statement is cancelled."""

    def __init__(self, work: t.Callable[[], t.Any], session: Session) -> None:
        self._session, self._work = session, work
        self._found: t.Any = None
        self._problem: BaseException | None = None
        self._thread = threading.Thread(target=self._run, daemon=True)

    def _run(self) -> None:
        try:
            self._found = self._work()
        except BaseException as exc:  # raised again by result()
            self._problem = exc

    def __enter__(self) -> _InBackground:
        self._thread.start()
        return self

    def result(self) -> t.Any:
        self._thread.join()
        if self._problem:
            raise self._problem
        return self._found

    def __exit__(self, *exc: object) -> None:
        if self._thread.is_alive():
            with contextlib.suppress(ReleaseError):
                self._session.cancel()
            self._thread.join()


OPERATION = Operation(
    {
        **SERVER,
        "kind": Option("str", "manual"),
        "release": Option("str"),
        "globals": Option("bool", True),
        "hashes": Option("bool", True),
        "compression_level": Option("int", 1, low=1, high=19),
        "encryption": Option("str", choices=list(ENCRYPTIONS)),
        "recipients": Option("list", each=Option("str")),
        "tags": Option("dict"),
        "reuse_within": Option("int", 0, low=0),
        "lock_wait_timeout": Option("int", 60, low=0),
        "timeout": Option("int", 14400, low=1),
    },
    connect,
    run,
    CONSTRAINTS,
)
