# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The table that an engine keeps: read where it is there, never made."""

from __future__ import annotations

import dataclasses
import re

from ...._common.errors import InputError
from ...session import Row, Session

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*(\.[A-Za-z_][A-Za-z0-9_$]*)?")


@dataclasses.dataclass(frozen=True)
class Table:
    """
    :ivar name: with its schema where it has to have one, as users write it.
    """

    name: str

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise InputError(
                f"table: found {self.name!r}; allowed: the name of a table, with or without a schema"
            )

    @property
    def quoted(self) -> str:
        return ".".join(f'"{part}"' for part in self.name.split("."))

    def rows(self, session: Session, query: str) -> list[Row]:
        """
        :param query: with {} for the table.
        """
        if not session.value("SELECT to_regclass(%s) IS NOT NULL", [self.quoted]):
            return []
        return session.rows(query.format(self.quoted))
