# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, Unavailable
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._gate.http_client import Answer
from ansible_collections.runbook.release.plugins.module_utils._gate.smoke import run, value_at


class Script:
    """Answers in order; keeps what was asked."""

    def __init__(self, *answers: t.Any) -> None:
        self.answers, self.asked = list(answers), list[t.Any]()

    def request(self, method: t.Any, url: t.Any, headers: t.Any, body: t.Any) -> t.Any:
        self.asked.append((method, url, headers, body))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, document = answer
        return Answer(
            status, document if isinstance(document, bytes) else json.dumps(document).encode(), 0.012
        )


def smoke(http: t.Any, *checks: t.Any, attempts: int = 1, check_mode: bool = False) -> t.Any:
    lines: list[str] = []
    params = {"url": "http://exchange.test/", "checks": list(checks), "attempts": attempts}
    return run(http, Context(params, check_mode, lines.append, Clock(sleep=lambda seconds: None))), lines


def test_a_saved_token_is_used_by_the_next_request_and_never_shown() -> None:
    http = Script((200, {"data": {"accessToken": "tok-0123456789"}}), (503, b"no rights for tok-0123456789"))
    result, lines = smoke(
        http,
        {
            "name": "login",
            "path": "/login",
            "method": "POST",
            "body": {"password": "Test123!"},
            "save": {"token": "data.accessToken"},
        },
        {"name": "balances", "path": "/balances", "headers": {"Authorization": "Bearer ${token}"}},
    )
    assert http.asked[0][1:] == (
        "http://exchange.test/login",
        {"Content-Type": "application/json"},
        b'{"password": "Test123!"}',
    )
    assert http.asked[1][2] == {"Authorization": "Bearer tok-0123456789"}
    assert result.values["reasons"] == ["balances: answered 503, wanted 200: no rights for ********"]
    assert "tok-0123456789" not in "".join(lines) + str(result.as_dict())


@pytest.mark.parametrize(
    ("expected", "document", "said"),
    [
        ({"path": "success", "equals": True}, {"success": False}, "success is false, wanted true"),
        ({"path": "data", "length_min": 1}, {"data": []}, "data has 0 elements, wanted at least 1"),
        ({"path": "data", "length_min": 1}, {"data": 7}, "data has no elements, wanted at least 1"),
        ({"path": "data.0.id"}, {"data": []}, "data.0.id is missing in the answer"),
        ({"path": "error", "exists": False}, {"error": "x"}, "error is there, and should not be"),
        ({"path": "a"}, b"<html>", "the answer is not JSON: <html>"),
    ],
)
def test_an_unmet_expectation_is_said_with_what_was_found(
    expected: t.Any, document: t.Any, said: t.Any
) -> None:
    result, lines = smoke(Script((200, document)), {"path": "/x", "json": [expected]})
    assert not result.values["passed"] and result.values["reasons"] == [f"GET /x: {said}"]
    assert lines == [f"GET /x: FAILED, {said} (12 ms)"]


def test_a_check_is_made_again_before_it_counts_as_failed() -> None:
    result, _lines = smoke(
        Script(Unavailable("x", why=["refused"]), (500, b""), (200, {})), {"path": "/x"}, attempts=3
    )
    assert result.values["passed"] and result.values["checks"][0]["attempts"] == 3


def test_every_check_is_made_also_after_a_failed_one() -> None:
    result, _lines = smoke(
        Script(Unavailable("x", why=["connection refused"]), (200, {})), {"path": "/a"}, {"path": "/b"}
    )
    assert [check["passed"] for check in result.values["checks"]] == [False, True]
    assert result.values["reasons"] == ["GET /a: connection refused"]


def test_a_login_without_a_token_has_failed() -> None:
    result, _lines = smoke(
        Script((200, {"data": {"accessToken": None}})),
        {"path": "/login", "save": {"token": "data.accessToken"}},
    )
    assert result.values["reasons"] == ["GET /login: data.accessToken is missing in the answer"]


def test_check_mode_sends_nothing() -> None:
    http = Script()
    result, lines = smoke(http, {"path": "/x"}, check_mode=True)
    assert result.values["passed"] and http.asked == [] and lines == ["would check GET /x: GET /x -> 200"]


def test_malformed_checks_are_refused_before_any_request() -> None:
    http = Script()
    with pytest.raises(InputError, match="no request was sent") as caught:
        smoke(http, {"path": "/x", "sttus": 200}, {"method": "FETCH", "path": "/"})
    assert len(caught.value.why) == 2 and http.asked == []


def test_paths_lead_through_dictionaries_and_lists() -> None:
    assert value_at({"a": [{"b": 1}]}, "a.0.b") == 1
