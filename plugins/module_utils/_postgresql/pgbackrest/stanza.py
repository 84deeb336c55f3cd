# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The stanza in the repository, and the server's settings that bring its WAL there."""

from __future__ import annotations

import dataclasses
import re
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from .. import login
from ..backup.scratch import literal
from ..session import Postgres, Server, Session
from .programs import AsUser, LocalPrograms, program_path
from .repository import OPTIONS, Repository

_MISSING_STANZA = 1
_PLAIN = re.compile(r"[\w./+@:=-]+", re.ASCII)
# While archive_mode is off the server shows its command as (disabled), whatever it is set to.
_SETTINGS = """
    SELECT name, CASE WHEN s.setting <> '(disabled)' THEN s.setting ELSE coalesce(
        (SELECT f.setting FROM pg_file_settings f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1), '') END, pending_restart
    FROM pg_settings s WHERE name = ANY (%s)
"""


@dataclasses.dataclass(frozen=True)
class Ports:
    server: Server
    repository: Repository

    @classmethod
    def of(cls, context: Context) -> Ports:
        programs = LocalPrograms.of(context)
        return cls(AsUser(Postgres.of(context), programs), Repository(programs, context))


def run(ports: Ports, context: Context) -> Result:
    params = context.params
    wanted = settings(params, program_path(params["program"]))
    with ports.server.session(name="runbook.release stanza") as session:
        if session.value("SELECT pg_is_in_recovery()"):
            raise InputError(f"{ports.server.login.where}: found a standby; allowed: the primary")
        now = {
            name: (value, bool(pending)) for name, value, pending in session.rows(_SETTINGS, [list(wanted)])
        }
        # A setting that waits for a restart is set; asked for is what would be in force after it.
        other = {name: value for name, value in wanted.items() if now[name][0] != value and not now[name][1]}
        there = ports.repository.read_stanza().code != _MISSING_STANZA
        before = {**{name: now[name][0] for name in other}, **({} if there else {"stanza": None})}
        after = {**other, **({} if there else {"stanza": params["stanza"]})}
        if not context.check_mode:
            _set(session, other)
            if not there:
                ports.repository.run("stanza-create", repo=False)
                context.say(f"{params['stanza']}: created in the repository")
    restart = now["archive_mode"][0] != wanted["archive_mode"]
    if not restart and not context.check_mode:
        ports.repository.run("check", repo=False)
    if restart:
        context.say(f"{params['stanza']}: PostgreSQL has to be restarted before it archives")
    return Result(bool(after), before, after, {"restart_required": restart})


def settings(params: t.Mapping[str, t.Any], program: str) -> dict[str, str]:
    """What the server has to be set to; pure."""
    config = f" --config={params['config']}" if params["config"] else ""
    for name in ("stanza", "config"):
        if params[name] and not _PLAIN.fullmatch(params[name]):
            raise InputError(
                f"{name}: found {params[name]}; allowed: letters, digits and ._/+@:=-, as it goes into archive_command"
            )
    return {
        "archive_mode": "on",
        "archive_command": f"{program}{config} --stanza={params['stanza']} archive-push %p",
        "archive_timeout": str(params["archive_timeout"]),
    }


def _set(session: Session, values: t.Mapping[str, str]) -> None:
    try:
        for name, value in values.items():
            session.execute(f"ALTER SYSTEM SET {name} = {literal(value)}")
    except ReleaseError as exc:
        exc.then = exc.then or "log in as a superuser, or set these in postgresql.conf: " + ", ".join(
            f"{name} = {literal(value)}" for name, value in values.items()
        )
        raise
    if values:
        session.rows("SELECT pg_reload_conf()")


OPERATION = Operation(
    {**OPTIONS, **login.OPTIONS, "archive_timeout": Option("int", 60)}, Ports.of, run, login.CONSTRAINTS
)
