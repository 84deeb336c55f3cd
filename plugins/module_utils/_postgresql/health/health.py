# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Says whether a PostgreSQL server is healthy and its data as expected. It only reads."""

from __future__ import annotations

import dataclasses
import os
import typing as t

from ..._common.errors import InputError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from ..._common.verdict import Reason, Verdict
from .. import login
from ..session import DatabaseError, Postgres, Server, Session, Unreachable
from . import data, queries, reasons
from .reasons import Thresholds

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
# Checks that need to see other users' sessions, which takes the role pg_read_all_stats; pg_monitor has it.
_HIDDEN = ("transactions", "replication")
# Limits, so that a check does not wait for locks.
_SESSION = {"default_transaction_read_only": "on", "lock_timeout": "2s", "statement_timeout": "30s"}

Check = tuple[t.Callable[[Session], t.Any], t.Callable[[t.Any, Thresholds], "list[Reason]"]]


class Space(t.Protocol):
    """The disk of a server that runs on this machine."""

    def of(self, path: str, process: int) -> tuple[int, int] | None:
        """Free and total bytes of the volume that holds ``path``; None where that process is not on this machine."""


class LocalSpace:
    def of(self, path: str, process: int) -> tuple[int, int] | None:
        try:
            with open(f"/proc/{process}/cmdline", "rb") as file:
                if b"postgres" not in file.read():
                    return None
            volume = os.statvfs(path)
        except OSError:
            return None
        return volume.f_bavail * volume.f_frsize, volume.f_blocks * volume.f_frsize


@dataclasses.dataclass(frozen=True)
class Ports:
    server: Server
    space: Space


def connect(context: Context) -> Ports:
    return Ports(Postgres.of(context), LocalSpace())


@dataclasses.dataclass(frozen=True)
class DataQueries:
    """The user's own questions.

    :ivar timeout: seconds that each may take.
    :ivar before: the result of an earlier run; None where nothing is compared.
    """

    queries: t.Sequence[data.Query]
    timeout: int
    before: t.Mapping[str, t.Any] | None

    def answer_before(self, name: str) -> float | None:
        answers: t.Mapping[str, t.Any] = ((self.before or {}).get("found") or {}).get("queries") or {}
        return answers.get(name)


def run(ports: Ports, context: Context) -> Result:
    params = context.params
    if wrong := data.problems(params["queries"]):
        raise InputError("The queries are not well-formed; nothing was asked.", why=wrong)
    examination = _Examination(ports.space, Thresholds.of(params), params["largest_tables"])
    questions = DataQueries(params["queries"], params["query_timeout"], params["before"])
    try:
        with ports.server.session(options=_SESSION, name="runbook.release health") as session:
            examination.check_server(session, params["checks"])
            examination.check_data(session, questions)
    except Unreachable as exc:
        examination.reasons.append(Reason("", "; ".join([exc.what, *exc.why[:1]])))
    unknown = [Reason(name, text) for name, text in examination.unknown.items()]
    verdict = Verdict(examination.reasons, unknown).as_result(params["before"])
    return Result(False, values={**verdict, "unknown": examination.unknown, "found": examination.values})


class _Examination:
    """Collects what is found, so that a connection that breaks loses nothing found before."""

    def __init__(self, space: Space, thresholds: Thresholds, largest_tables: int) -> None:
        self._space, self._thresholds = space, thresholds
        self._checks = _checks(largest_tables)
        self.reasons: list[Reason] = []
        self.unknown: dict[str, str] = {}
        self.values: dict[str, t.Any] = {}

    def check_server(self, session: Session, chosen: t.Collection[str]) -> None:
        server = queries.server(session)
        shown = ("version", "standby", "database", "role", "up_seconds")
        self.values["server"] = {name: server[name] for name in shown}
        for check in CHECKS:
            if check not in chosen:
                continue
            if check == DISK:
                self._disk(server)
            else:
                self._check(session, check, server)

    def _check(self, session: Session, check: str, server: t.Mapping[str, t.Any]) -> None:
        query, reasons_of = self._checks[check]
        try:
            found = query(session)
        except Unreachable:
            raise
        except DatabaseError as exc:
            self.unknown[check] = exc.what
            return
        self.values[check] = found
        if check in _HIDDEN and not server["sees_all"]:
            role = server["role"]
            self.unknown[check] = f"what others do is hidden from role {role}; GRANT pg_monitor TO it"
            found = _visible(found)
        self.reasons += reasons_of(found, self._thresholds)

    def _disk(self, server: dict[str, t.Any]) -> None:
        path = server["data_directory"]
        space = self._space.of(path, server["backend"]) if path else None
        if space is None:
            why = "PostgreSQL does not report its free disk space; run this task on the server's own host"
            if not path:
                why += ", as a role that may read data_directory (GRANT pg_monitor)"
            self.unknown[DISK] = why
            return
        free, total = space
        found = {
            "path": path,
            "free_bytes": free,
            "total_bytes": total,
            "free_percent": round(100 * free / max(1, total), 1),
        }
        self.values[DISK] = found
        self.reasons += reasons.disk(found, self._thresholds)

    def check_data(self, session: Session, questions: DataQueries) -> None:
        if not questions.queries:
            return
        answers = self.values.setdefault("queries", {})
        for query in questions.queries:
            name = query["name"]
            value, reason, unknown = data.ask(session, query, questions.timeout)
            answers[name] = value
            if unknown:
                self.unknown[name] = unknown
                continue
            before = questions.answer_before(name)
            lines = [reason] if reason else data.reasons(query, value, before)
            self.reasons += [Reason(name, line) for line in lines]
            compared = query["max_drop_percent"] is not None or query["max_rise_percent"] is not None
            if questions.before and compared and before is None:
                self.unknown[name] = "before holds no value of it, so it was not compared"


def _checks(largest_tables: int) -> dict[str, Check]:
    """By the name of a check: what is asked, and what of the answer is a reason."""
    return {
        "connections": (queries.connections, reasons.connections),
        "transactions": (queries.transactions, reasons.transactions),
        "locks": (queries.locks, reasons.locks),
        "replication": (queries.replication, reasons.replication),
        "slots": (queries.slots, reasons.slots),
        "wal": (queries.wal, reasons.wal),
        "archiver": (queries.archiver, reasons.archiver),
        "indexes": (queries.indexes, reasons.indexes),
        "tables": (lambda session: queries.tables(session, largest_tables), lambda found, thresholds: []),
        "wraparound": (queries.wraparound, reasons.wraparound),
    }


def _visible(found: dict[str, t.Any]) -> dict[str, t.Any]:
    """Without the sessions of which the server shows this role nothing but their existence."""
    visible = dict(found)
    for name, value in found.items():
        if isinstance(value, list):
            visible[name] = [entry for entry in value if entry.get("state", "") is not None]
    return visible


OPERATION = Operation(
    {
        **login.OPTIONS,
        "checks": Option(
            "list", [check for check in CHECKS if check != DISK], each=Option("str", choices=list(CHECKS))
        ),
        "connections_percent": Option("int", 80, low=1, high=100),
        "active_connections": Option("int", low=0),
        "transaction_age": Option("int", 300, low=0),
        "idle_in_transaction": Option("int", 60, low=0),
        "blocked_for": Option("int", 5, low=0),
        "standbys": Option("int", 0, low=0),
        "replication_lag": Option("int", 30, low=0),
        "replication_lag_bytes": Option("int", 268435456, low=0),
        "slot_bytes": Option("int", 1073741824, low=0),
        "wal_bytes": Option("int", low=1),
        "wraparound_percent": Option("int", 50, low=1, high=100),
        "disk_free_percent": Option("int", 10, low=0, high=100),
        "largest_tables": Option("int", 10, low=0, high=1000),
        **data.OPTIONS,
    },
    connect,
    run,
    login.CONSTRAINTS,
)
