# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, Unavailable
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._gate import service
from ansible_collections.runbook.release.plugins.module_utils._gate.checks.base import Ports
from ansible_collections.runbook.release.plugins.module_utils._gate.http_client import Answer

NODE = {
    "json_rpc": "http://btc:8332",
    "call": "getblockchaininfo",
    "user": "exchange",
    "password": "s3cret-of-rpc",
}


class Net:
    """Answers in order; keeps what was asked."""

    def __init__(self, *answers: t.Any) -> None:
        self.answers, self.asked = list(answers), list[t.Any]()

    def request(self, method: t.Any, url: t.Any, headers: t.Any, body: t.Any) -> t.Any:
        status, document = self._next((method, url, headers, body))
        return Answer(
            status, document if isinstance(document, bytes) else json.dumps(document).encode(), 0.012
        )

    def connect(self, host: t.Any, port: t.Any) -> t.Any:
        return self._next((host, port))

    def _next(self, asked: t.Any) -> t.Any:
        self.asked.append(asked)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


def asked(net: t.Any, *checks: t.Any, attempts: int = 1, check_mode: bool = False) -> t.Any:
    lines: list[str] = []
    params = {"checks": list(checks), "attempts": attempts, "before": None}
    context = Context(params, check_mode, lines.append, Clock(sleep=lambda seconds: None))
    context.redact.learn_from(params)
    return service.run(Ports(net, net), context).values, lines


def test_json_rpc_is_asked_with_basic_authentication_and_nobody_sees_it() -> None:
    net = Net(
        (401, b""),
        (
            500,
            {
                "result": None,
                "error": {"code": -28, "message": "no s3cret-of-rpc ZXhjaGFuZ2U6czNjcmV0LW9mLXJwYw=="},
                "id": "x",
            },
        ),
    )
    found, lines = asked(net, {**NODE, "name": "a"}, {**NODE, "name": "b", "version": "1.0"})
    method, url, headers, body = net.asked[0]
    assert (method, url, headers["Authorization"]) == (
        "POST",
        "http://btc:8332",
        "Basic ZXhjaGFuZ2U6czNjcmV0LW9mLXJwYw==",
    )
    assert json.loads(body) == {
        "jsonrpc": "2.0",
        "id": "runbook.release",
        "method": "getblockchaininfo",
        "params": [],
    }
    assert json.loads(net.asked[1][3])["jsonrpc"] == "1.0"
    assert found["reasons"] == [
        "a: answered 401, so it does not know this user",
        "b: error -28: no ******** ********",
    ]
    assert "s3cret" not in str(found) + "".join(lines) and "ZXhj" not in str(found) + "".join(lines)


@pytest.mark.parametrize(
    ("expected", "result", "said"),
    [
        (
            {"path": "result.blocks", "lag_behind": "result.headers", "max_lag": 3},
            {"blocks": 97, "headers": 100},
            [],
        ),
        (
            {"path": "result.blocks", "lag_behind": "result.headers", "max_lag": 3},
            {"blocks": 96, "headers": 100},
            ["result.blocks is 96, 4 behind result.headers (100), at most 3 allowed"],
        ),
        (
            {"path": "result.blocks", "lag_behind": "result.headers"},
            {"blocks": 1},
            ["result.headers is not a number in the answer"],
        ),
        ({"path": "result", "min": 16}, "0x10", []),
        ({"path": "result", "min": 17}, "0x10", ["result is 16, wanted at least 17"]),
        ({"path": "result", "max": "2.5"}, 3, ["result is 3, wanted at most 2.5"]),
        ({"path": "result", "min": 1}, True, ["result is true, wanted a number"]),
        ({"path": "result", "min": 1}, "many", ['result is "many", wanted a number']),
        ({"path": "result", "length_min": 2}, [1], ["result has 1 elements, wanted at least 2"]),
        ({"path": "result", "equals": False}, False, []),
    ],
)
def test_what_is_expected_of_a_result(expected: t.Any, result: t.Any, said: t.Any) -> None:
    found, lines = asked(Net((200, {"jsonrpc": "2.0", "result": result})), {**NODE, "json": [expected]})
    assert found["reasons"] == [f"http://btc:8332: {line}" for line in said]


def test_the_values_at_the_paths_are_kept_by_check() -> None:
    found, lines = asked(
        Net((200, {"result": {"connections": 11}})),
        {**NODE, "name": "peers", "json": [{"path": "result.connections", "min": 8}]},
    )
    assert (
        found["found"] == {"peers": {"result.connections": 11}}
        and found["healthy"]
        and lines == ["peers: ok (12 ms)"]
    )


@pytest.mark.parametrize("answer", [(200, {"hello": 1}), (200, [1]), (200, b"<html>")])
def test_an_answer_that_is_none_of_json_rpc_is_a_reason(answer: t.Any) -> None:
    assert not asked(Net(answer), NODE)[0]["healthy"]


def test_http_is_held_against_status_json_and_time() -> None:
    net = Net((200, {"state": "ok"}), (204, b""), (503, b"down"), (200, b""))
    checks = [
        {"name": "a", "http": "http://a", "json": [{"path": "state", "equals": "ok"}]},
        {"name": "b", "http": "http://b", "method": "HEAD", "status": 204, "headers": {"X": "1"}},
        {"name": "c", "http": "http://c"},
        {"name": "d", "http": "http://d", "max_milliseconds": 11},
    ]
    assert asked(net, *checks)[0]["reasons"] == [
        "c: answered 503, wanted 200: down",
        "d: took 12 ms, at most 11 allowed",
    ]
    assert net.asked[1] == ("HEAD", "http://b", {"X": "1"}, None)


def test_tcp_is_connected_to_and_tried_again_also_in_check_mode() -> None:
    net = Net(Unavailable("no", why=["Connection refused"]), 0.003)
    found, lines = asked(net, {"tcp": "[::1]:5672"}, attempts=2, check_mode=True)
    assert net.asked == [("::1", 5672)] * 2
    assert found["checks"] == [
        {"name": "[::1]:5672", "healthy": True, "milliseconds": 3, "attempts": 2, "reason": ""}
    ]
    found, lines = asked(Net(Unavailable("no", why=["Connection refused"])), {"tcp": "a:1"})
    assert found["reasons"] == ["a:1: Connection refused"] and lines == ["a:1: FAILED, Connection refused"]
    named, _lines = asked(
        Net(Unavailable("no", why=["Connection refused"])), {"name": "broker", "tcp": "a:1"}
    )
    assert named["reasons"] == ["broker: a:1; Connection refused"]


def test_every_wrong_check_is_named_before_anything_is_asked() -> None:
    net = Net()
    with pytest.raises(InputError) as refused:
        asked(
            net,
            {"name": "a", "tcp": "a"},
            {"name": "b", "tcp": "a:1", "http": "http://a"},
            {"name": "c"},
            {"json_rpc": "http://a"},
            {"http": "ftp://a", "method": "POST"},
            {"tcp": "d:1", "json": [], "status": 200},
            {"tcp": "d:1"},
            {"htp": "http://a"},
        )
    said = refused.value.why
    assert net.asked == []
    for line in (
        "checks[0] (a).tcp: found 'a' (string); allowed: a host and a port, as in broker.example.com:5672",
        "checks[1] (b): found tcp and http; allowed: exactly one of tcp, http, json_rpc",
        "checks[2] (c): found none of them; allowed: exactly one of tcp, http, json_rpc",
        "checks[3].call: is missing; allowed: the name of a method that only reads, as in getblockchaininfo",
        "checks[4].method: found 'POST' (string); allowed: one of GET, HEAD",
        "checks[5].status: found with tcp; allowed: only with http",
        "checks[5].json: found with tcp; allowed: only with http or json_rpc",
        "checks[6].name: found 'd:1' (string) more than once; allowed: a name of its own",
        "checks[7].htp: unknown key (did you mean http?); allowed: "
        "name, tcp, http, json_rpc, headers, user, password, json, method, status, call, params, version, max_milliseconds",
    ):
        assert line in said, said
    assert not any(line.startswith("checks[0] (a): ") for line in said)
