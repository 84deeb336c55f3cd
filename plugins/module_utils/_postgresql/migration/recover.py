# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Waits for, or ends, Jobs that a killed run left behind. Only then does the database show what is applied."""

from __future__ import annotations

import typing as t

from ..._common.operation import Context
from .. import lock
from ..session import Server
from . import server_sessions as backends
from .engines.base import MigrationContext
from .files import Migration
from .ports import Ports
from .programs.orphan import ended_with_controller
from .request import REHEARSED, Limits, MigrationRequest


class Recovery:
    """Recovers what killed runs have left at work on a database.

    :param context_for: makes what an engine works with, out of a server and its version.
    """

    def __init__(
        self,
        ports: Ports,
        context: Context,
        request: MigrationRequest,
        limits: Limits,
        context_for: t.Callable[[Server, int], MigrationContext],
    ) -> None:
        self._ports, self._context, self._request = ports, context, request
        self._limits, self._context_for = limits, context_for

    def recover_abandoned(self, files: t.Sequence[Migration]) -> bool:
        """
        :return: whether the tables of the engine are reliable now; check mode recovers nothing.
        """
        servers = [self._ports.server]
        if self._ports.copy and self._request.state == REHEARSED:
            servers.append(self._ports.copy)
        by_name = {migration.name: migration for migration in files}
        # Every server is recovered, whatever the one before it says.
        recovered = [self._recover(server, by_name) for server in servers]
        return all(recovered)

    def _recover(self, server: Server, by_name: t.Mapping[str, Migration]) -> bool:
        programs, context = self._ports.engine_programs, self._context
        names = programs.at_work(server.login)
        if not names:
            return True
        if context.check_mode:
            context.say(
                f"{', '.join(names)}: was started by another run and has not ended; until then it is not certain what is applied"
            )
            return False
        purpose = f"migrate {self._request.release}"
        # A run holds the lock for as long as it lives: with the lock, the runs that started these are gone.
        with (
            lock.held(server, purpose, context, wait_timeout=self._limits.lock_wait_timeout) as session,
            ended_with_controller(context, programs.abandon),
        ):
            work = self._context_for(server, int(session.value("SHOW server_version_num")))
            abandoned = programs.recover_abandoned(server.login, work.left())
            backends.end(session, context)
            for left in abandoned:
                if left.migration in by_name:
                    self._ports.engine.recover(work, by_name[left.migration], left.direction, left.ended)
        return True
