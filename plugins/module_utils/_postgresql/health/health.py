# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Whether a PostgreSQL server is well, and the data in it as expected: reads, changes nothing."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..._common.errors import InputError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from .. import login
from ..session import DatabaseError, Postgres, Server, Session, Unreachable
from . import data, queries
from . import reasons as judged

CHECKS = (
    "connections",
    "transactions",
    "locks",
    "replication",
    "slots",
    "wal",
    "archiver",
    "indexes",
    "tables",
    "wraparound",
    "disk",
)
DISK = "disk"
# Where other users' sessions are hidden from one who has not
# the role pg_read_all_stats, which pg_monitor has.
_HIDDEN = ("transactions", "replication")
# A check waits for nobody's lock, and reads no longer than this.
_SESSION = {"default_transaction_read_only": "on", "lock_timeout": "2s", "statement_timeout": "30s"}

Check = tuple[t.Callable[[Session], t.Any], t.Callable[[t.Any, t.Mapping[str, t.Any]], "list[str]"]]


class Space(t.Protocol):
    """The disk of a server that runs on this very machine."""

    def of(self, path: str, process: int) -> tuple[int, int] | None:
        """Bytes free and in all where ``path`` is; None when
        that process of PostgreSQL is not one of this machine.
        """


class LocalSpace:
    def of(self, path: str, process: int) -> tuple[int, int] | None:
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                if b"postgres" not in file.read():
                    return None
            there = os.statvfs(path)
        except OSError:
            return None
        return there.f_bavail * there.f_frsize, there.f_blocks * there.f_frsize


@dataclasses.dataclass(frozen=True)
class Ports:
    server: Server
    space: Space

    @classmethod
    def of(cls, context: Context) -> Ports:
        return cls(Postgres.of(context), LocalSpace())


def run(ports: Ports, context: Context) -> Result:
    if wrong := data.problems(context.params["queries"]):
        raise InputError("The queries are not well-formed; nothing was asked.", why=wrong)
    look = _Examination(ports, context)
    try:
        with ports.server.session(options=_SESSION, name="runbook.release health") as session:
            look.at(session)
    except Unreachable as exc:
        look.reasons.append("; ".join([exc.what, *exc.why[:1]]))
    return Result(
        False,
        values={
            "healthy": not look.reasons,
            "reasons": look.reasons,
            "unknown": look.unknown,
            "found": look.values,
        },
    )


class _Examination:
    """What was found so far; a connection that breaks in between loses none of it."""

    def __init__(self, ports: Ports, context: Context) -> None:
        self._ports, self._params = ports, context.params
        self.reasons: list[str] = []
        self.unknown: dict[str, str] = {}
        self.values: dict[str, t.Any] = {}

    def at(self, session: Session) -> None:
        server = queries.server(session)
        self.values["server"] = {
            name: server[name] for name in ("version", "standby", "database", "role", "up_seconds")
        }
        for check in CHECKS:
            if check not in self._params["checks"]:
                continue
            if check == DISK:
                self._disk(server)
                continue
            read, judge = self._known()[check]
            try:
                found = read(session)
            except Unreachable:
                raise
            except DatabaseError as exc:
                self.unknown[check] = exc.what
                continue
            self.values[check] = found
            if check in _HIDDEN and not server["sees_all"]:
                self.unknown[check] = (
                    f"what others do is hidden from role {server['role']}; GRANT pg_monitor TO it"
                )
                found = _visible(found)
            self.reasons += judge(found, self._params)
        if self._params["queries"]:
            self._data(session)

    def _known(self) -> dict[str, Check]:
        return {
            "connections": (queries.connections, judged.connections),
            "transactions": (queries.transactions, judged.transactions),
            "locks": (queries.locks, judged.locks),
            "replication": (queries.replication, judged.replication),
            "slots": (queries.slots, judged.slots),
            "wal": (queries.wal, judged.wal),
            "archiver": (queries.archiver, judged.archiver),
            "indexes": (queries.indexes, judged.indexes),
            "tables": (
                lambda session: queries.tables(session, self._params["largest_tables"]),
                lambda found, params: [],
            ),
            "wraparound": (queries.wraparound, judged.wraparound),
        }

    def _disk(self, server: dict[str, t.Any]) -> None:
        path = server["data_directory"]
        there = self._ports.space.of(path, server["backend"]) if path else None
        if there is None:
            why = "PostgreSQL does not report its free disk space; run this task on the server's own host"
            self.unknown[DISK] = (
                why if path else f"{why}, as a role that may read data_directory (GRANT pg_monitor)"
            )
            return
        free, total = there
        found = {
            "path": path,
            "free_bytes": free,
            "total_bytes": total,
            "free_percent": round(100 * free / max(1, total), 1),
        }
        self.values[DISK] = found
        self.reasons += judged.disk(found, self._params)

    def _data(self, session: Session) -> None:
        earlier = (self._params["before"] or {}).get("queries") or {}
        answers = self.values.setdefault("queries", {})
        for query in self._params["queries"]:
            name = query["name"]
            value, reason, unknown = data.ask(session, query, self._params["query_timeout"])
            answers[name] = value
            if unknown:
                self.unknown[name] = unknown
                continue
            before = earlier.get(name)
            said = [reason] if reason else data.reasons(query, value, before)
            self.reasons += [f"{name}: {line}" for line in said]
            compared = query["max_drop_percent"] is not None or query["max_rise_percent"] is not None
            if self._params["before"] and compared and before is None:
                self.unknown[name] = "before holds no value of it, so it was not compared"


def _visible(found: dict[str, t.Any]) -> dict[str, t.Any]:
    """Without the sessions of which nothing but their existence is told."""
    return {
        name: [entry for entry in value if entry.get("state") is not None or "state" not in entry]
        if isinstance(value, list)
        else value
        for name, value in found.items()
    }


OPERATION = Operation(
    {
        **login.OPTIONS,
        "checks": Option(
            "list", [check for check in CHECKS if check != DISK], each=Option("str", choices=list(CHECKS))
        ),
        "connections_percent": Option("int", 80),
        "active_connections": Option("int"),
        "transaction_age": Option("int", 300),
        "idle_in_transaction": Option("int", 60),
        "blocked_for": Option("int", 5),
        "standbys": Option("int", 0),
        "replication_lag": Option("int", 30),
        "replication_lag_bytes": Option("int", 268435456),
        "slot_bytes": Option("int", 1073741824),
        "wal_bytes": Option("int"),
        "wraparound_percent": Option("int", 50),
        "disk_free_percent": Option("int", 10),
        "largest_tables": Option("int", 10),
        **data.OPTIONS,
    },
    Ports.of,
    run,
    login.CONSTRAINTS,
)
