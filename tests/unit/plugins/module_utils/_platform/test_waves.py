# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.runbook.release.plugins.filter.waves import to_waves
from ansible_collections.runbook.release.plugins.module_utils._platform.waves import waves

EXCHANGE: list[dict[str, t.Any]] = [
    {"name": "auth"},
    {"name": "user", "after": ["auth"]},
    {"name": "kyc", "after": ["auth"]},
    {"name": "wallet", "after": ["user", "kyc"]},
    {"name": "trading", "after": ["wallet", "auth"]},
    {"name": "batch"},
]


def test_services_of_a_wave_come_after_all_that_they_name_and_keep_the_order_of_the_input() -> None:
    assert waves(EXCHANGE) == ([["auth", "batch"], ["user", "kyc"], ["wallet"], ["trading"]], [])


def test_no_services_make_no_waves() -> None:
    assert waves([]) == ([], [])


@pytest.mark.parametrize(
    ("services", "said"),
    [
        (
            [{"name": "a", "after": ["b"]}, {"name": "b", "after": ["c"]}, {"name": "c", "after": ["a"]}],
            "dependency cycle: a -> b -> c -> a",
        ),
        (
            [{"name": "x", "after": ["a"]}, {"name": "a", "after": ["b"]}, {"name": "b", "after": ["a"]}],
            "dependency cycle: a -> b -> a",
        ),
        ([{"name": "a", "after": ["a"]}], "dependency cycle: a -> a"),
        (
            [{"name": "auth"}, {"name": "b", "after": ["auht"]}],
            "service b comes after auht, which is not a service (did you mean auth?); there are: auth, b",
        ),
        ([{"name": "a"}, {"name": "a"}, {"name": "a"}], "service a is listed 3 times"),
    ],
)
def test_a_graph_that_cannot_be_ordered_names_who_is_wrong(services: t.Any, said: t.Any) -> None:
    assert waves(services) == ([], [said])
    with pytest.raises(AnsibleFilterError) as caught:
        to_waves(services)
    assert said in str(caught.value)


def test_the_filter_refuses_what_is_no_list_of_services() -> None:
    with pytest.raises(AnsibleFilterError, match="list of services"):
        to_waves([{"nome": "auth"}])
