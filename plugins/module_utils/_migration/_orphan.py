# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Ends this process when the ansible-playbook that it works for has died, or is ended by a signal.

Workers of Ansible sit in sessions of their own and live on when it is killed: the migration would go on with nobody to tell of it,
and with nobody to run what follows. Ended, its connections end, and the server takes back what was not committed. What works elsewhere
has no connection that ends: it is ended as the last thing that is done here.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import typing as t

from .._common._operation import Context

_EVERY = 0.5
_EXIT = 137  # as of a process that was killed


@contextlib.contextmanager
def not_outliving(context: Context, abandon: t.Callable[[], None] = lambda: None) -> t.Iterator[None]:
    """While the block runs. A module has no controller here: it ends with its task.

    :param abandon: ends what works elsewhere.
    """
    over = threading.Event()

    def watch() -> None:
        while not over.wait(_EVERY):
            if os.getppid() != context.controller:
                abandon()
                os._exit(_EXIT)  # no handlers, no clean-up: the main thread sits in a statement

    thread = threading.Thread(target=watch, daemon=True)
    if context.controller is not None:
        thread.start()
    try:
        with _before_signals(abandon) if context.controller is not None and _may_handle_signals() else contextlib.nullcontext():
            yield
    finally:
        over.set()


def _may_handle_signals() -> bool:
    return threading.current_thread() is threading.main_thread()


@contextlib.contextmanager
def _before_signals(abandon: t.Callable[[], None]) -> t.Iterator[None]:
    """Ansible passes Ctrl-C and SIGTERM on to its workers, which die of them without another word."""
    former = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

    def handle(number: int, frame: t.Any) -> None:
        signal.signal(number, former[signal.Signals(number)])
        abandon()
        os.kill(os.getpid(), number)

    for number in former:
        signal.signal(number, handle)
    try:
        yield
    finally:
        for number, handler in former.items():
            signal.signal(number, handler)
