# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

from ansible_collections.runbook.release.plugins.module_utils._common.options import Option
from ansible_collections.runbook.release.plugins.module_utils._common.redact import HIDDEN, Redactor


def test_values_under_telling_keys_and_of_no_log_options_are_hidden_wherever_they_occur() -> None:
    redact = Redactor()
    redact.learn_from(
        {"body": [{"password": "hunter22"}], "key": "abcdef-xyz", "name": "wallet"},
        {"key": Option("str", secret=True)},
    )
    assert (
        redact.text("log in with hunter22 and abcdef-xyz as wallet")
        == f"log in with {HIDDEN} and {HIDDEN} as wallet"
    )


def test_a_structure_keeps_its_shape() -> None:
    redact = Redactor()
    redact.learn("hunter22")
    before = {"env": {"DB_PASSWORD": "x", "HOST": "db"}, "lines": ["at hunter22", 3], "none": None}
    assert redact.value(before) == {
        "env": {"DB_PASSWORD": HIDDEN, "HOST": "db"},
        "lines": [f"at {HIDDEN}", 3],
        "none": None,
    }


def test_credentials_of_urls_and_bearer_tokens_are_hidden_without_being_known() -> None:
    redact = Redactor()
    assert redact.text("postgres://app:pa55@db/x") == f"postgres://{HIDDEN}@db/x"
    assert redact.text("Authorization: Bearer abc.def-123456") == f"Authorization: Bearer {HIDDEN}"


def test_short_values_do_not_garble_other_text() -> None:
    redact = Redactor()
    redact.learn("no")
    assert redact.text("no, not now") == "no, not now"


def test_a_secret_inside_a_longer_one_leaves_nothing_of_the_longer() -> None:
    redact = Redactor()
    redact.learn("secret")
    redact.learn("secret-longer")
    assert redact.text("secret-longer") == HIDDEN


def test_a_secret_of_several_lines_is_hidden_line_by_line_too() -> None:
    redactor = Redactor()
    redactor.learn("first-line-of-it\n  second-line\nend\n")
    assert redactor.text("said second-line") == f"said {HIDDEN}" and redactor.text("the end") == "the end"


def test_all_of_a_secret_of_kubernetes_is_hidden_whatever_its_keys() -> None:
    shown = Redactor().value(
        {
            "manifests": [
                {
                    "kind": "Secret",
                    "metadata": {"name": "db"},
                    "data": {"a": "YQ==", "b": None},
                    "stringData": {"pin": "12"},
                }
            ]
        }
    )
    assert shown["manifests"][0] == {
        "kind": "Secret",
        "metadata": {"name": "db"},
        "data": {"a": "********", "b": None},
        "stringData": {"pin": "********"},
    }
