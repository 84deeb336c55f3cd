# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Restores a backup into a new database and, where that is requested, swaps it with the live one, which is kept.

The comment of the new database says which backup it is from and how far the restore is, so that a run after a kill
knows what it finds. The two renames of the swap are one transaction: a database of the live name exists at all times.
A connection attempt in that very moment is refused once ("just been dropped or renamed"); the next one finds the new
database.
"""

from __future__ import annotations

import contextlib
import dataclasses
import threading
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from .. import lock
from ..session import Session
from . import backups, load, scratch
from .manifest import Damaged, Manifest
from .options import CONSTRAINTS, LOAD, SERVER
from .ports import Ports, connect
from .scratch import MAINTENANCE, literal, quoted

_RESTORING, _COMPLETE = "restoring", "complete"
_TERMINATE_EVERY = 0.05  # seconds; a rename waits up to 5 s for the sessions to end
_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY (%s) AND pid <> pg_backend_pid()"


@dataclasses.dataclass(frozen=True)
class RestoreOptions:
    """How the new database is made.

    :ivar globals: whether roles and tablespaces are created that the server lacks.
    :ivar lock_wait_timeout: seconds that a swap waits for a backup or a migration to end.
    """

    load: load.LoadOptions
    globals: bool
    lock_wait_timeout: int


def run(ports: Ports, context: Context) -> Result:
    params, live = context.params, ports.server.login.database
    swap = params["swap"]
    found = backups.of_database(ports.store, params["from_database"] or live)
    chosen = backups.choose(found, params["backup"], ports.store.where)
    target = params["target"] or default_target(live, chosen)
    if target == live:
        raise InputError(
            f"target: found {target}, the live database itself; allowed: a new name; with swap=true it takes the live one's place when it is proven"
        )
    with ports.server.session(MAINTENANCE) as session:
        databases = _Databases.observe(session, live, target)
        version = session.value("SELECT current_setting('server_version_num')::int")
    backup = chosen.as_result(context.clock.wall())
    values: dict[str, t.Any] = {"backup": backup, "rto_seconds": None, "not_restored": []}
    if swap and databases.live_from == chosen.id:
        return Result(False, values={**values, "database": live, "replaced": databases.live_replaced})
    databases.check(target, chosen.id)
    load.check(ports.programs, chosen.manifest, version)
    is_filled = databases.target_state == _COMPLETE
    if is_filled and not swap:
        return Result(False, values={**values, "database": target, "replaced": None})
    stamp = context.clock.stamp().replace("-", "").replace(":", "")
    replaced = f"{_shortened(live)}_before_{stamp}" if swap and databases.live_exists else None
    values.update(database=live if swap else target, replaced=replaced)
    before, after = databases.before_and_after(live, target, values["database"], replaced)
    after["restored_from"] = chosen.id
    if context.check_mode:
        return Result(True, before, after, values)
    options = RestoreOptions(
        load.LoadOptions(params["jobs"], params["identity"], params["spool"], params["owners"]),
        params["globals"],
        params["lock_wait_timeout"],
    )
    restore = _RestoreRun(ports, context, chosen.manifest, options, target)
    if not is_filled:
        values.update(rto_seconds=restore.fill(), not_restored=restore.not_restored)
    if swap:
        restore.swap(replaced)
    return Result(True, before, after, values)


def default_target(live: str, chosen: backups.Backup) -> str:
    """Depends on the backup alone, so that a run after a kill finds what the killed one has started."""
    stamp = chosen.manifest["snapshot_at"].replace("-", "").replace(":", "")
    return f"{_shortened(live)}_of_{stamp}"


def _shortened(name: str) -> str:
    """Leaves room for an ending: PostgreSQL cuts names after 63 bytes."""
    return name.encode()[:40].decode(errors="ignore")


class _Databases(t.NamedTuple):
    """The live database and the target, as a run finds them."""

    live_exists: bool
    live_from: str | None
    live_replaced: str | None
    target_exists: bool
    target_from: str | None
    target_state: str | None

    @classmethod
    def observe(cls, session: Session, live: str, target: str) -> _Databases:
        of_live, of_target = scratch.remark(session, live), scratch.remark(session, target)
        return cls(
            live_exists=scratch.exists(session, live),
            live_from=of_live.get("backup"),
            live_replaced=of_live.get("replaced"),
            target_exists=scratch.exists(session, target),
            target_from=of_target.get("backup"),
            target_state=of_target.get("state"),
        )

    def before_and_after(
        self, live: str, target: str, name: str, replaced: str | None
    ) -> tuple[dict[str, t.Any], dict[str, t.Any]]:
        """
        :param name: of the restored database at the end.
        """
        existing = {live} if self.live_exists else set()
        before = existing | ({target} if self.target_state else set())
        after = existing | {name} | ({replaced} if replaced else set())
        return {"databases": sorted(before)}, {"databases": sorted(after)}

    def check(self, target: str, backup: str) -> None:
        if self.target_exists and self.target_from != backup:
            of = "no restore created it"
            if self.target_from:
                of = f"it was restored from {self.target_from}"
            raise InputError(
                f"target: found {target}, a database that exists, and {of}; allowed: a name that is not in use",
                done="nothing was changed",
            )


class _RestoreRun:
    """Fills the new database, and swaps it with the live one."""

    def __init__(
        self, ports: Ports, context: Context, manifest: Manifest, options: RestoreOptions, target: str
    ) -> None:
        self._ports, self._context, self._manifest = ports, context, manifest
        self._options, self._live, self._target = options, ports.server.login.database, target
        self.not_restored: list[str] = []

    def fill(self) -> int:
        """Creates the new database, fills it and compares it; returns the seconds that the restore took."""
        server, context, target = self._ports.server, self._context, self._target
        with lock.held(
            server, f"restore of {self._live}", context, name=target, database=MAINTENANCE
        ) as session:
            if scratch.exists(session, target):
                context.say(f"{target}: left incomplete by a run that was killed; dropped and started again")
                scratch.drop(session, target)
            context.say(f"{self._live}: restoring {self._manifest['id']} into {target}")
            began = context.clock.now()
            loader = load.Loader(self._ports, context, self._manifest, self._options.load)
            if self._options.globals:
                self.not_restored += loader.restore_globals()
            scratch.create(session, target, self._manifest["created_as"])
            scratch.note(session, target, {"backup": self._manifest["id"], "state": _RESTORING})
            try:
                loader.fill(target)
                load.analyze(server, target)
                seconds = round(context.clock.now() - began)
                if reasons := load.proof(server, target, self._manifest):
                    raise Damaged(
                        f"{self._manifest['id']} does not restore to what was backed up.",
                        why=reasons[:20],
                        then="use another backup",
                    )
                if self._options.load.owners:
                    self.not_restored += restore_database_settings(
                        session, target, self._manifest["created_as"]
                    )
            except BaseException as exc:
                scratch.drop(session, target)
                if isinstance(exc, ReleaseError):
                    exc.done = exc.done or f"{target} is dropped; {self._live} was not touched"
                raise
            scratch.note(session, target, {"backup": self._manifest["id"], "state": _COMPLETE})
        for what in self.not_restored:
            context.say(f"{target}: {what}")
        context.say(f"{target}: restored and proven in {seconds} s")
        return seconds

    def swap(self, replaced: str | None) -> None:
        server, context = self._ports.server, self._context
        if replaced:
            # Waits until no backup and no migration runs on the live database. One that starts after this is
            # ended with all other sessions.
            wait_timeout = self._options.lock_wait_timeout
            with lock.held(server, f"restore of {self._live}", context, wait_timeout=wait_timeout):
                pass
        with contextlib.ExitStack() as stack:
            session = stack.enter_context(server.session(MAINTENANCE))
            other = stack.enter_context(server.session(MAINTENANCE))
            stack.enter_context(_sessions_ended(other, [self._live, self._target]))
            stack.enter_context(session.transaction())
            if replaced:
                session.execute(f"ALTER DATABASE {quoted(self._live)} RENAME TO {quoted(replaced)}")
            session.execute(f"ALTER DATABASE {quoted(self._target)} RENAME TO {quoted(self._live)}")
            scratch.note(
                session,
                self._live,
                {"backup": self._manifest["id"], "state": _COMPLETE, "replaced": replaced},
            )
        back = ""
        if replaced:
            back = f"; the previous one is kept as {replaced}: drop it when it is no longer needed"
        context.say(f"{self._live}: is now what was restored from {self._manifest['id']}{back}")


def restore_database_settings(session: Session, name: str, made_as: t.Mapping[str, t.Any]) -> list[str]:
    """Sets owner, privileges and settings of the database itself, which its dump does not hold.

    :return: the statements that the server refused.
    """
    refused = []
    statements = [
        f"ALTER DATABASE {quoted(name)} OWNER TO {quoted(made_as['owner'])}",
        f"ALTER DATABASE {quoted(name)} CONNECTION LIMIT {made_as['connection_limit']}",
    ]
    statements.append(f"REVOKE ALL ON DATABASE {quoted(name)} FROM PUBLIC")
    statements += [
        f"GRANT {privilege} ON DATABASE {quoted(name)} TO {grantee}{' WITH GRANT OPTION' if grantable else ''}"
        for grantee, privilege, grantable in made_as["grants"]
    ]
    for role, setting in made_as["settings"]:
        key, _separator, value = setting.partition("=")
        whose = f"ROLE {role} IN DATABASE" if role else "DATABASE"
        # search_path, a list, is stored with the quotes that SQL needs; all other values are plain.
        statements.append(
            f"ALTER {whose} {quoted(name)} SET {key} TO {value if key == 'search_path' else literal(value)}"
        )
    for statement in statements:
        try:
            session.execute(statement)
        except ReleaseError as exc:
            refused.append(f"not applied: {statement} ({exc.what})")
    return refused


@contextlib.contextmanager
def _sessions_ended(session: Session, databases: list[str]) -> t.Iterator[None]:
    """Ends sessions on these databases until the block ends. A rename refuses new ones, and waits for existing ones."""
    over, problems = threading.Event(), list[ReleaseError]()

    def work() -> None:
        while not over.wait(_TERMINATE_EVERY):
            try:
                session.rows(_TERMINATE, [databases])
            except ReleaseError as exc:
                problems.append(exc)
                return

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    except ReleaseError as exc:
        exc.why += [problem.what for problem in problems]
        raise
    finally:
        over.set()
        thread.join()


OPERATION = Operation(
    {
        **SERVER,
        **LOAD,
        "from_database": Option("str"),
        "target": Option("str"),
        "swap": Option("bool", False),
        "owners": Option("bool", True),
        "globals": Option("bool", False),
        "lock_wait_timeout": Option("int", 60, low=0),
    },
    connect,
    run,
    CONSTRAINTS,
)
