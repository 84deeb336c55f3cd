# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a check is: one kind of question to a service, and what its answer has to be."""

from __future__ import annotations

import abc
import dataclasses
import typing as t

from ..._common.operation import Context
from ..._common.options import Option, Options
from ..http_client import Http

CheckValues = t.Mapping[str, t.Any]


class Tcp(t.Protocol):
    def connect(self, host: str, port: int) -> float:
        """Connects and hangs up; gives the seconds it took, raises Unavailable."""


@dataclasses.dataclass(frozen=True)
class Ports:
    """What checks ask by."""

    http: Http
    tcp: Tcp


@dataclasses.dataclass(frozen=True)
class Assessment:
    """What one answer shows.

    :ivar reasons: what is wrong with it; none where all is as expected.
    :ivar values: what was found, for the result.
    """

    reasons: t.Sequence[str] = ()
    values: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)


class Check(abc.ABC):
    """A kind of check. Its name is the key that holds the address.

    :cvar ADDRESS: what that key may hold.
    :cvar OPTIONS: the other keys that it takes. Kinds may share keys, which then are the same option.
    """

    kind: t.ClassVar[str]
    ADDRESS: t.ClassVar[Option]
    OPTIONS: t.ClassVar[Options] = {}

    def problems(self, check: CheckValues) -> t.Iterator[tuple[str, str]]:
        """Key and text of what no single key shows; reported before anything is asked."""
        return iter(())

    @abc.abstractmethod
    def ask(self, ports: Ports, check: CheckValues, context: Context) -> tuple[t.Any, float]:
        """The answer, and the seconds it took; raises Unavailable where there is none."""

    @abc.abstractmethod
    def judge(self, answer: t.Any, check: CheckValues) -> Assessment:
        """Pure."""
