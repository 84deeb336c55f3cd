# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a program says of a refusal of PostgreSQL, as the error that the server meant."""

from __future__ import annotations

import re

from ...session import DatabaseError, Unreachable
from .supervised import ProgramResult

# As the driver of db-migrate, psql with VERBOSITY=verbose, Flyway and pgx write it.
_CODE = re.compile(
    r"(?:SQLSTATE[:= ]+|SQL State\s*:\s*|\"sqlState\"\s*:\s*\"|(?:ERROR|FATAL|PANIC):\s+)([0-9A-Z]{5})\b"
)
# lib/pq, and so golang-migrate, keeps only the text: these are the ones that decide about a retry.
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
    """The failure of a program, with the last lines of its output."""
    lines = [line.rstrip() for line in ended.said.splitlines() if line.strip()][-_LINES:]
    return refusal(f"{program} ended with exit code {ended.code}.", "\n".join(lines), sqlstate(ended.said))


def refusal(what: str, output: str, code: str) -> DatabaseError:
    kind = Unreachable if not code and _LOST.search(output) else DatabaseError
    return kind(what, code, why=output.splitlines())


def sqlstate(output: str) -> str:
    """The SQLSTATE in the output of a program; empty where there is none."""
    found = _CODE.search(output)
    if found:
        return found[1]
    return next((code for text, code in _TEXTS.items() if text in output), "")
