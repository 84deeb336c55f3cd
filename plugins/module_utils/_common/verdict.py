# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""One answer to the question whether something is as it should be: for health, gates, drills and access. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

PASS, FAIL, NO_DATA = "pass", "fail", "no_data"


class Reason(t.NamedTuple):
    """Why not.

    :ivar about: the object that it is about: the same one before and after a release; '' for all that was asked.
    :ivar text: what is wrong with it; figures in it may differ from time to time.
    """

    about: str
    text: str

    def __str__(self) -> str:
        return f"{self.about}: {self.text}" if self.about else self.text


@dataclasses.dataclass(frozen=True)
class Verdict:
    """
    :ivar reasons: why it fails; none where it passes.
    :ivar unknown: why a part of it is not known; the verdict is no_data where nothing fails besides.
    :ivar values: what was measured.
    """

    reasons: t.Sequence[Reason] = ()
    unknown: t.Sequence[Reason] = ()
    values: t.Mapping[str, t.Any] = dataclasses.field(default_factory=dict)

    @property
    def outcome(self) -> str:
        if self.reasons:
            return FAIL
        return NO_DATA if self.unknown else PASS

    def as_result(self, before: t.Mapping[str, t.Any] | None = None) -> dict[str, t.Any]:
        """
        :param before: the result of the same question before the release; what failed then is not
            among ``new_reasons``.
        """
        result = {
            "verdict": self.outcome,
            "healthy": not self.reasons,
            "reasons": [str(reason) for reason in self.reasons],
            "findings": [reason._asdict() for reason in self.reasons],
        }
        if before is not None:
            known = {finding["about"] for finding in before.get("findings") or []}
            result["new_reasons"] = [str(reason) for reason in self.reasons if reason.about not in known]
        return result
