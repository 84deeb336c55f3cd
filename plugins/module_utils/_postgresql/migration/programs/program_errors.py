# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a program says of a refusal of PostgreSQL, as the error that the server meant."""

from __future__ import annotations

import re

from ...session import DatabaseError, Unreachable
from .supervised import ProgramResult

# As db-migrate's driver, psql with VERBOSITY=verbose, Flyway and pgx write it.
_CODE = re.compile(
    r"(?:SQLSTATE[:= ]+|SQL State\s*:\s*|\"sqlState\"\s*:\s*\"|(?:ERROR|FATAL|PANIC):\s+)([0-9A-Z]{5})\b"
)
# lib/pq, and with it golang-migrate, keeps the text alone: the few that decide whether it is tried again.
_TEXTS = {
    "canceling statement due to lock timeout": "55P03",
    "deadlock detected": "40P01",
    "could not serialize access": "40001",
    "canceling statement due to statement timeout": "57014",
    "terminating connection due to administrator command": "57P01",
}
_LOST = re.compile(
    r"connection refused|ECONNREFUSED|ECONNRESET|ETIMEDOUT|Connection terminated|server closed the connection",
    re.IGNORECASE,
)
_LINES = 12


def error(program: str, ended: ProgramResult) -> DatabaseError:
    said = [line.rstrip() for line in ended.said.splitlines() if line.strip()][-_LINES:]
    return refusal(f"{program} ended with exit code {ended.code}.", "\n".join(said), sqlstate(ended.said))


def refusal(what: str, said: str, code: str) -> DatabaseError:
    kind = Unreachable if not code and _LOST.search(said) else DatabaseError
    return kind(what, code, why=said.splitlines())


def sqlstate(said: str) -> str:
    found = _CODE.search(said)
    return found[1] if found else next((code for text, code in _TEXTS.items() if text in said), "")
