# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""How long to wait for what may heal: pure, over times it is given."""

from __future__ import annotations

from .pod_problems import PodProblem


class StuckTimer:
    """For how long what may heal has been wrong, by whatever
    names it (the UID of a pod, the name of a workload).
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._since: dict[str, float] = {}

    def note(self, who: str, said: PodProblem | None, now: float) -> None:
        """A reason that turns into another one (ErrImagePull, ImagePullBackOff) is still the same trouble.

        :param now: may lie ahead: what has a time of grace is no trouble before.
        """
        if said and said.transient:
            self._since.setdefault(who, now)
        else:
            self._since.pop(who, None)

    def has_begun(self, who: str, now: float) -> bool:
        return self._since.get(who, now + 1) <= now

    def over(self, now: float) -> list[str]:
        return [who for who, since in self._since.items() if now - since >= self._seconds]
