# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The shape of an operation, the same for modules (on a host) and in-process actions (on the controller)."""

from __future__ import annotations

import dataclasses
import datetime
import time
import typing as t

from .errors import InputError
from .options import Options, argument_spec, out_of_bounds
from .redact import Redactor


@dataclasses.dataclass(frozen=True)
class Clock:
    """Time as a port, so that unit tests never sleep. ``now`` and
    ``sleep`` in seconds, ``wall`` in seconds since the epoch.
    """

    now: t.Callable[[], float] = time.monotonic
    sleep: t.Callable[[float], None] = time.sleep
    wall: t.Callable[[], float] = time.time

    def stamp(self) -> str:
        """The time of day as RFC 3339 in UTC, whole seconds: what Kubernetes writes, too."""
        return datetime.datetime.fromtimestamp(int(self.wall()), tz=datetime.timezone.utc).strftime(
            "%Y-%m-%dT%H:%M:%SZ"
        )


# Runs a program (its path and arguments): exit code, standard output, standard error.
Command = t.Callable[[list[str]], tuple[int, str, str]]


@dataclasses.dataclass(frozen=True)
class Context:
    """What an operation is given besides its ports.

    :param params: the validated options.
    :param check_mode: plan only, write nothing.
    :param show: displays one line to the person who waits; nothing where nobody can see it.
    :param controller: process id of the ansible-playbook that this
        belongs to; None in a module, which ends with its task.
    :param command: runs a program where the operation runs.
    :param redact: knows the secrets; everything said and returned passes through it.
    """

    params: dict[str, t.Any]
    check_mode: bool = False
    show: t.Callable[[str], None] = lambda line: None
    clock: Clock = Clock()
    controller: int | None = None
    command: Command = lambda arguments: (127, "", f"{arguments[0]} cannot be run here")
    redact: Redactor = dataclasses.field(default_factory=Redactor)

    def say(self, line: str) -> None:
        self.show(self.redact.text(line))


@dataclasses.dataclass
class Result:
    """What an operation returns; ``before`` and ``after`` come from its plan and make the diff."""

    changed: bool
    before: t.Any = None
    after: t.Any = None
    values: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    def as_dict(self) -> dict[str, t.Any]:
        shown = (
            {}
            if self.before is None and self.after is None
            else {"diff": {"before": self.before or {}, "after": self.after or {}}}
        )
        return {"changed": self.changed, **shown, **self.values}


@dataclasses.dataclass(frozen=True)
class Operation:
    """One thing the collection can do.

    :param options: by name; the argument spec is made of them.
    :param connect: makes the ports out of the validated options.
    :param run: does the work; raises :class:`ReleaseError`.
    :param constraints: ``mutually_exclusive``, ``required_if`` and the like.
    """

    options: Options
    connect: t.Callable[[Context], t.Any]
    run: t.Callable[[t.Any, Context], Result]
    constraints: dict[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def argument_spec(self) -> dict[str, t.Any]:
        return argument_spec(self.options)


def perform(operation: Operation, context: Context) -> dict[str, t.Any]:
    """Connects and runs; the result is redacted whichever shell (module or action) returns it."""
    context.redact.learn_from(context.params, operation.options)
    if problems := list(out_of_bounds(operation.options, context.params)):
        raise InputError("The options are wrong; nothing was changed.", why=problems)
    result = operation.run(operation.connect(context), context)
    return t.cast("dict[str, t.Any]", context.redact.value(result.as_dict()))
