# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a run that is gone has left at work elsewhere is brought to its
end before anything is looked at: only then it is known what is applied.
"""

from __future__ import annotations

import typing as t

from ..._common.operation import Context
from .. import lock
from ..session import Server
from . import server_sessions as backends
from .engines.base import MigrationContext
from .files import Migration
from .plan import REHEARSED
from .ports import Ports
from .programs.orphan import ended_with_controller


def recover_abandoned(
    ports: Ports,
    context: Context,
    files: t.Sequence[Migration],
    given: t.Callable[[Server, int], MigrationContext],
) -> bool:
    """
    :param given: makes what an engine works with out of a server and its version.
    :return: whether the tables of the engine say what is so; in check mode nothing is put right.
    """
    servers = [ports.server, *([ports.copy] if ports.copy and context.params["state"] == REHEARSED else [])]
    settled = [
        _recover(ports, context, server, files, given) for server in servers
    ]  # each of them, whatever the one before has told
    return all(settled)


def _recover(
    ports: Ports,
    context: Context,
    server: Server,
    files: t.Sequence[Migration],
    given: t.Callable[[Server, int], MigrationContext],
) -> bool:
    programs = ports.engine_programs
    names = programs.at_work(server.login)
    if not names:
        return True
    if context.check_mode:
        context.say(
            f"{', '.join(names)}: was started by another run and has not ended; until then it is not certain what is applied"
        )
        return False
    by_name = {migration.name: migration for migration in files}
    doing = f"migrate {context.params['release']}"
    # Whoever has begun it holds the lock for as long as it lives.
    with (
        lock.held(server, doing, context, wait_timeout=context.params["lock_wait_timeout"]) as session,
        ended_with_controller(context, programs.abandon),
    ):
        work = given(server, int(session.value("SHOW server_version_num")))
        found = programs.recover_abandoned(server.login, work.left())
        backends.end(session, context)
        for left in found:
            if left.migration in by_name:
                ports.engine.recover(work, by_name[left.migration], left.direction, left.ended)
    return True
