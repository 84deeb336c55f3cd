# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Ends this process when the ansible-playbook that it works for has died, or is ended by a signal.

Workers of Ansible sit in sessions of their own and live on when it is killed: the migration
would go on with nobody to tell of it, and with nobody to run what follows. ProgramResult, its
connections end, and the server takes back what was not committed. What works elsewhere has no
connection that ends: it is ended as the last thing that is done here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import typing as t

from ...._common.operation import Context

_EVERY = 0.2
_EXIT = 137  # as of a process that was killed


@contextlib.contextmanager
def ended_with_controller(context: Context, abandon: t.Callable[[], None] = lambda: None) -> t.Iterator[None]:
    """While the block runs. A module has no controller here: it ends with its task.

    :param abandon: ends what works elsewhere. It runs in a thread of its own, while the block goes on.
    """
    if context.controller is None:
        yield
        return
    over = threading.Event()
    signals: list[int] = []

    def watch() -> None:
        while not over.wait(_EVERY):
            if signals or os.getppid() != context.controller:
                try:
                    abandon()
                finally:
                    os._exit(_EXIT)  # no handlers, no clean-up: the main thread sits in a statement

    threading.Thread(target=watch, daemon=True).start()
    try:
        with _kept(signals):
            yield
    finally:
        over.set()


@contextlib.contextmanager
def _kept(signals: list[int]) -> t.Iterator[None]:
    """Takes note of the signals that Ansible passes on to
    its workers, which else die of them without another word.

    A SIGTERM follows a Ctrl-C within milliseconds: the second must not cut short what the first
    has begun. And a handler runs between any two steps of the main thread, which may hold a lock
    that the clean-up needs: so it does no more than this.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = (signal.SIGINT, signal.SIGTERM)
    former = [signal.signal(number, lambda number, frame: signals.append(number)) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, former):
            signal.signal(number, handler)
        if signals:
            os.kill(os.getpid(), signals[0])  # the block was faster than the next look
