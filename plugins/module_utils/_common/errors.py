# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What every operation raises. Only the outermost runner turns it into a failed result.

ReleaseError
├── InputError    the input is wrong; nothing was changed
├── NotFound      the object named in the input does not exist
├── Forbidden     the credentials may not do this
├── Conflict      somebody else changed the object between our reading and our writing
│   (LockLost, of the release, is a ReleaseError of its own: another run holds the lock)
├── Gone          the version asked for is too old (HTTP 410): read again
└── Unavailable   the other side did not answer, and went on doing so while we retried
"""

from __future__ import annotations

import typing as t


class ReleaseError(Exception):
    """A failure as a person needs it: what, on what, why, what was done about it, what to run next.

    :param what: one sentence: what failed, on what.
    :param why: reasons, one line each; a line may hold indented detail lines.
    :param done: what was already done about it.
    :param then: the command to run or the thing to change next.
    :param details: structured extras for the result, beside ``msg``; few, since Ansible prints them all.
    """

    # What the other side answered, where it tells more than a sentence. Never shown as a whole.
    answer: t.Mapping[str, t.Any] = {}

    def __init__(
        self, what: str, *, why: t.Sequence[str] = (), done: str = "", then: str = "", **details: t.Any
    ) -> None:
        super().__init__(what)
        self.what, self.why, self.done, self.then, self.details = what, list(why), done, then, details

    def as_result(self) -> dict[str, t.Any]:
        """``msg`` for people; ``what``, ``why``, ``done`` and ``next`` for roles, so that nobody parses text."""
        fields = {"what": self.what, "why": self.why, "done": self.done, "next": self.then}
        return {"msg": str(self), **fields, **self.details}

    def __str__(self) -> str:
        lines = [self.what, *("  " + reason.replace("\n", "\n  ") for reason in self.why)]
        lines += [f"Done about it: {self.done}"] if self.done else []
        lines += [f"Next: {self.then}"] if self.then else []
        return "\n".join(lines)


class InputError(ReleaseError):
    """The input is wrong; nothing was changed."""


class NotFound(ReleaseError):
    """The object named in the input does not exist."""


class Forbidden(ReleaseError):
    """The credentials may not do this."""


class Conflict(ReleaseError):
    """Somebody else changed, deleted or re-created the object between our reading and our writing."""


class Gone(ReleaseError):
    """The resource version asked for is too old (HTTP 410): read again."""


class Unavailable(ReleaseError):
    """The other side did not answer, or answered 429 or 5xx, and went on doing so while we retried."""
