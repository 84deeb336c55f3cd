# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Restores a backup into a new database and, where that is asked
for, lets it take the place of the live one, which is kept.

The new database carries in its comment which backup it is from and how far it has come, so a run after a
kill knows what it finds. The two renames of the swap are one transaction: an application never finds no
database of the live name. A connection that is being made in that very moment is refused once ("just been
dropped or renamed"), and finds the new one when it tries again.
"""

from __future__ import annotations

import contextlib
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
_TERMINATE_EVERY = 0.05  # seconds; the rename itself waits up to 5 s for the sessions to go
_TERMINATE = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = ANY (%s) AND pid <> pg_backend_pid()"


def run(ports: Ports, context: Context) -> Result:
    params, live = context.params, ports.server.login.database
    chosen = backups.choose(
        backups.of_database(ports.store, params["from_database"] or live), params["backup"], ports.store.where
    )
    target = params["target"] or default_target(live, chosen)
    if target == live:
        raise InputError(
            f"target: found {target}, the live database itself; allowed: a new name; with swap=true it takes the live one's place when it is proven"
        )
    with ports.server.session(MAINTENANCE) as session:
        databases = _Databases.observe(session, live, target)
        version = session.value("SELECT current_setting('server_version_num')::int")
    values: dict[str, t.Any] = {
        "backup": chosen.as_result(context.clock.wall()),
        "rto_seconds": None,
        "not_restored": [],
    }
    if params["swap"] and databases.live_from == chosen.id:
        return Result(False, values={**values, "database": live, "replaced": databases.live_replaced})
    databases.check(target, chosen.id)
    load.check(ports.programs, chosen.manifest, version)
    old = f"{live.encode()[:40].decode(errors='ignore')}_before_{context.clock.stamp().replace('-', '').replace(':', '')}"
    replaced = old if params["swap"] and databases.live_there else None
    name = live if params["swap"] else target
    if databases.target_state == _COMPLETE and not params["swap"]:
        return Result(False, values={**values, "database": target, "replaced": None})
    before = {
        "databases": sorted(
            ({live} if databases.live_there else set()) | ({target} if databases.target_state else set())
        )
    }
    after = {
        "databases": sorted(
            {name, *([live] if databases.live_there else []), *([replaced] if replaced else [])}
        ),
        "restored_from": chosen.id,
    }
    if context.check_mode:
        return Result(True, before, after, {**values, "database": name, "replaced": replaced})
    restore = _RestoreRun(ports, context, chosen.manifest, live, target)
    if databases.target_state != _COMPLETE:
        values |= {"rto_seconds": restore.fill(), "not_restored": restore.not_restored}
    if params["swap"]:
        restore.swap(replaced)
    return Result(True, before, after, {**values, "database": name, "replaced": replaced})


def default_target(live: str, chosen: backups.Backup) -> str:
    """The same for the same backup, so that a run after a kill finds what the one before had begun."""
    stamp = chosen.manifest["snapshot_at"].replace("-", "").replace(":", "")
    return f"{live.encode()[:40].decode(errors='ignore')}_of_{stamp}"


class _Databases(t.NamedTuple):
    """The databases as they were found."""

    live_there: bool
    live_from: str | None
    live_replaced: str | None
    target_there: bool
    target_from: str | None
    target_state: str | None

    @classmethod
    def observe(cls, session: Session, live: str, target: str) -> _Databases:
        of_live, of_target = scratch.remark(session, live), scratch.remark(session, target)
        return cls(
            scratch.exists(session, live), of_live.get("backup"), of_live.get("replaced"),
            scratch.exists(session, target), of_target.get("backup"), of_target.get("state"),
        )  # fmt: skip

    def check(self, target: str, backup: str) -> None:
        if self.target_there and self.target_from != backup:
            of = f"it was restored from {self.target_from}" if self.target_from else "no restore created it"
            raise InputError(
                f"target: found {target}, a database that exists, and {of}; allowed: a name that is not in use",
                done="nothing was changed",
            )


class _RestoreRun:
    def __init__(self, ports: Ports, context: Context, manifest: Manifest, live: str, target: str) -> None:
        self._ports, self._context, self._manifest, self._live, self._target = (
            ports,
            context,
            manifest,
            live,
            target,
        )
        self.not_restored: list[str] = []

    def fill(self) -> int:
        """Makes the new database, fills and proves it; seconds that it took."""
        server, context, target = self._ports.server, self._context, self._target
        with lock.held(
            server, f"restore of {self._live}", context, name=target, database=MAINTENANCE
        ) as session:
            if scratch.exists(session, target):
                context.say(f"{target}: left incomplete by a run that was killed; dropped and started again")
                scratch.drop(session, target)
            context.say(f"{self._live}: restoring {self._manifest['id']} into {target}")
            began = context.clock.now()
            loader = load.Loader(
                server,
                self._ports.store,
                self._ports.programs,
                context,
                self._manifest,
                owners=context.params["owners"],
            )
            if context.params["globals"]:
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
                self.not_restored += (
                    restore_database_settings(session, target, self._manifest["created_as"])
                    if context.params["owners"]
                    else []
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
        free = (
            lock.held(
                server, f"restore of {self._live}", context, wait_timeout=context.params["lock_wait_timeout"]
            )
            if replaced
            else contextlib.nullcontext()
        )
        with free:
            # no backup and no migration runs on the live database; whoever begins one now is ended with all
            # other sessions
            pass
        with contextlib.ExitStack() as stack:
            session, other = (
                stack.enter_context(server.session(MAINTENANCE)),
                stack.enter_context(server.session(MAINTENANCE)),
            )
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
        back = (
            f"; the previous one is kept as {replaced}: drop it when it is no longer needed"
            if replaced
            else ""
        )
        context.say(f"{self._live}: is now what was restored from {self._manifest['id']}{back}")


def restore_database_settings(session: Session, name: str, made_as: t.Mapping[str, t.Any]) -> list[str]:
    """Owner, privileges and settings of the database itself, which
    its dump does not hold; what could not be set, for a person.
    """
    left = []
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
        key, _is, value = setting.partition("=")
        whose = f"ROLE {role} IN DATABASE" if role else "DATABASE"
        # A list such as search_path is stored quoted as it has to be written; anything else is a plain value.
        statements.append(
            f"ALTER {whose} {quoted(name)} SET {key} TO {value if key == 'search_path' else literal(value)}"
        )
    for statement in statements:
        try:
            session.execute(statement)
        except ReleaseError as exc:
            left.append(f"not applied: {statement} ({exc.what})")
    return left


@contextlib.contextmanager
def _sessions_ended(session: Session, databases: list[str]) -> t.Iterator[None]:
    """Ends the sessions on these databases until the block is done.
    A rename holds off new ones, and waits for those that are there.
    """
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
