# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What the operation is given besides its options."""

from __future__ import annotations

import dataclasses

from ..session import Server
from .engines.base import Engine
from .ledger import Ledger
from .programs.supervised import EnginePrograms, Programs


@dataclasses.dataclass(frozen=True)
class Ports:
    """
    :ivar programs: what runs where the task runs: squawk, pg_dump.
    :ivar engine_programs: where the program of the engine runs.
    :ivar copy: the server again, with the copy to rehearse
        on as its database; None where nothing is rehearsed.
    """

    server: Server
    programs: Programs
    engine_programs: EnginePrograms
    engine: Engine
    ledger: Ledger
    copy: Server | None = None
