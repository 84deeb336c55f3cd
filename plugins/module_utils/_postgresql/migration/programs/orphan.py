# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Ends this process when its ansible-playbook has died, or is ended by a signal.

Workers of Ansible are in sessions of their own and survive it: a migration would continue with nobody to report it,
or to run what follows. When this process ends, so do its connections, and the server rolls back what is not committed.
Programs elsewhere are not ended by that; ending them is the last thing that this process does.
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
    """Ends this process with its controller, while the block runs. A module has no controller; it ends with its task.

    :param abandon: ends programs elsewhere. It runs in a thread of its own, while the block continues.
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
                    os._exit(
                        _EXIT
                    )  # without handlers and clean-up, because the main thread is inside a statement

    threading.Thread(target=watch, daemon=True).start()
    try:
        with _recorded_signals(signals):
            yield
    finally:
        over.set()


@contextlib.contextmanager
def _recorded_signals(signals: list[int]) -> t.Iterator[None]:
    """Records the signals that Ansible passes on to its workers, which would die of them at once.

    A SIGTERM follows a Ctrl-C within milliseconds and must not interrupt what the first one has started. A handler
    runs between any two steps of the main thread, which may hold a lock that the clean-up needs; so it only records.
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
            os.kill(os.getpid(), signals[0])  # the block ended before the thread noticed the signal
