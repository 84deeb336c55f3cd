# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from ansible_collections.runbook.release.plugins.module_utils._kubernetes.diagnosis.pod_problems import (
    PodProblem,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.watching.problems import (
    StuckTimer,
)

PULL, BACK_OFF, CRASH = (
    PodProblem("w", "", "ErrImagePull", transient=True),
    PodProblem("w", "", "ImagePullBackOff", transient=True),
    PodProblem("w", "", "Error"),
)


def test_what_may_heal_gets_its_time_from_the_first_look_on_whatever_it_is_called_meanwhile():
    patience = StuckTimer(60)
    patience.note("uid", PULL, 0)
    patience.note("uid", BACK_OFF, 59)
    assert patience.over(59) == [] and patience.over(60) == ["uid"]


def test_what_has_healed_or_turned_into_something_else_begins_anew():
    patience = StuckTimer(60)
    for healed in (None, CRASH):
        patience.note("uid", PULL, 0)
        patience.note("uid", healed, 30)
        assert patience.over(90) == []


def test_what_has_a_time_of_grace_begins_after_it():
    patience = StuckTimer(60)
    patience.note("uid", PULL, 30)
    assert (
        not patience.has_begun("uid", 29)
        and patience.has_begun("uid", 30)
        and not patience.has_begun("other", 99)
    )
    assert patience.over(89) == [] and patience.over(90) == ["uid"]
