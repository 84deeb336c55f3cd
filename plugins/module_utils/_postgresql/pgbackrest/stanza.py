# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Creates the stanza in the repository, and sets the server to archive its WAL there."""

from __future__ import annotations

import re
import typing as t

from ..._common.errors import InputError, ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import Option
from .. import login
from ..backup.scratch import literal
from ..session import Session
from .connect import Ports, connect
from .programs import program_path
from .repository import OPTIONS

_MISSING_STANZA = 1
_PLAIN = re.compile(r"[\w./+@:=-]+", re.ASCII)
# While archive_mode is off, the server shows archive_command as (disabled), whatever its value.
_SETTINGS = """
    SELECT name, CASE WHEN s.setting <> '(disabled)' THEN s.setting ELSE coalesce(
        (SELECT f.setting FROM pg_file_settings f WHERE f.name = s.name ORDER BY f.seqno DESC LIMIT 1), '') END, pending_restart
    FROM pg_settings s WHERE name = ANY (%s)
"""


def run(ports: Ports, context: Context) -> Result:
    params = context.params
    stanza = params["stanza"]
    desired = settings(program_path(params["program"]), stanza, params["config"], params["archive_timeout"])
    with ports.server.session(name="runbook.release stanza") as session:
        if session.value("SELECT pg_is_in_recovery()"):
            raise InputError(f"{ports.server.login.where}: found a standby; allowed: the primary")
        current = {
            name: (value, bool(pending)) for name, value, pending in session.rows(_SETTINGS, [list(desired)])
        }
        # A setting that waits for a restart is already set.
        changes = {
            name: value
            for name, value in desired.items()
            if current[name][0] != value and not current[name][1]
        }
        exists = ports.repository.read_stanza().code != _MISSING_STANZA
        before: dict[str, t.Any] = {name: current[name][0] for name in changes}
        after: dict[str, t.Any] = dict(changes)
        if not exists:
            before["stanza"] = None
            after["stanza"] = stanza
        if not context.check_mode:
            _set(session, changes)
            if not exists:
                ports.repository.run("stanza-create", repo=False)
                context.say(f"{stanza}: created in the repository")
    restart = current["archive_mode"][0] != desired["archive_mode"]
    if not restart and not context.check_mode:
        ports.repository.run("check", repo=False)
    if restart:
        context.say(f"{stanza}: PostgreSQL has to be restarted before it archives")
    return Result(bool(after), before, after, {"restart_required": restart})


def settings(program: str, stanza: str, config: str | None, archive_timeout: int) -> dict[str, str]:
    """The settings that the server needs; pure."""
    for name, value in (("stanza", stanza), ("config", config)):
        if value and not _PLAIN.fullmatch(value):
            raise InputError(
                f"{name}: found {value}; allowed: letters, digits and ._/+@:=-, as it goes into archive_command"
            )
    option = f" --config={config}" if config else ""
    return {
        "archive_mode": "on",
        "archive_command": f"{program}{option} --stanza={stanza} archive-push %p",
        "archive_timeout": str(archive_timeout),
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
    {**OPTIONS, **login.OPTIONS, "archive_timeout": Option("int", 60, low=0, high=1073741823)},
    connect,
    run,
    login.CONSTRAINTS,
)
