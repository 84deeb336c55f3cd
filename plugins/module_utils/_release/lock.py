# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The lock of a platform, as operations need it: one release at a time. What holds it is the target's matter."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from .._common.errors import NotFound, ReleaseError


class LockLost(ReleaseError):
    """Another run holds the lock; nothing more was written."""


@dataclasses.dataclass(frozen=True)
class Holder:
    """Who holds the lock for which release, until when (seconds since the epoch by the target's clock)."""

    by: str
    release: str
    until: float

    def __str__(self) -> str:
        return f"{self.by}, for release {self.release or '(not named)'}"


class ReleaseLock(t.Protocol):
    """The lock of one place (a namespace, a host), for this owner and one release.

    It is taken before the first write, asserted before every write and renewed while waiting.
    """

    # Who this run is.
    me: str
    # Counts the takings of the lock; None until it was taken or confirmed.
    token: int | None

    def current_holder(self) -> Holder | None:
        """Who holds it now and is not known to have ended; None when it can be taken."""

    def seconds_left(self, holder: Holder) -> int:
        """For how long it lasts if its owner has died; at least 0."""

    def refusal(self, other: Holder) -> ReleaseError:
        """The failure of who finds it taken."""

    def take(self, force: bool = False) -> str:
        """Takes it or renews our own. Gives what it was taken from ('' when it was free or ours already)."""

    def take_or_confirm(self, token: int | None, force: bool) -> None:
        """Before the first write of an operation.

        :param token: what an earlier operation of this run was
            given; with it the lock has to be the very one held then.
        """

    def confirm(self) -> None:
        """Renews it; raises :class:`LockLost` when somebody else holds it by now."""

    def assert_held(self) -> None:
        """Call before every write. Confirms the lock unless that was done within the
        last second; a process can be suspended between two writes.
        """

    def renew_if_due(self) -> None:
        """While waiting: renews it when a third of its time is over."""

    def give_back(self) -> bool:
        """Gives it back when it is ours; whether it was."""


class LockGuard(t.NamedTuple):
    """What goes on holding a lock: ``assert_held`` before every write, ``renew_if_due`` while waiting."""

    assert_held: t.Callable[[], None]
    renew_if_due: t.Callable[[], None]


NO_LOCK = LockGuard(lambda: None, lambda: None)


@contextlib.contextmanager
def held_temporarily(
    lock_for: t.Callable[[str], ReleaseLock], name: str, force: bool
) -> t.Iterator[LockGuard]:
    """Holds the lock for as long as the block lasts, for what is no release itself.

    A release that works in the same place is not disturbed. One
    of this very run is renewed, and goes on holding the lock.

    :param lock_for: makes the lock for a release.
    :param name: what those who find the lock taken see in place of a release.
    :param force: take it over from another run.
    """
    own = lock_for(name)
    holder = own.current_holder()
    is_ours = holder is not None and holder.by == own.me
    if holder and is_ours:
        own = lock_for(holder.release)
    try:
        own.take(force)
    except NotFound:
        yield NO_LOCK  # the place is not there yet, so nobody works in it
        return
    try:
        yield LockGuard(own.assert_held, own.renew_if_due)
    finally:
        if not is_ours:
            with contextlib.suppress(ReleaseError):  # it expires by itself; what failed before is what counts
                own.give_back()
