# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import types

import pytest
import websocket
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    NotFound,
    ReleaseError,
    Unavailable,
)
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api import exec_stream
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import (
    STATUS,
    STDERR,
    STDOUT,
)

SETTINGS = types.SimpleNamespace(host="https://api.test:6443")
CLOSE, BINARY = websocket.ABNF.OPCODE_CLOSE, websocket.ABNF.OPCODE_BINARY


class Socket:
    def __init__(self, *frames, protocol="v5.channel.k8s.io"):
        self.frames, self.protocol, self.sent, self.closed = list(frames), protocol, [], False

    def getheaders(self):
        return {"sec-websocket-protocol": self.protocol}

    def settimeout(self, seconds):
        assert seconds > 0

    def send_binary(self, data):
        self.sent.append(data)

    def recv_data(self):
        frame = self.frames.pop(0)
        if isinstance(frame, Exception):
            raise frame
        return frame if isinstance(frame, tuple) else (BINARY, frame)

    def close(self, timeout):
        self.closed = True


@pytest.fixture
def opened(monkeypatch):
    """Connects to the socket given, and gives the address and headers that were used."""
    asked = []

    def use(socket):
        def connect(settings, address, headers):
            asked.append((address, headers))
            if isinstance(socket, Exception):
                raise socket
            return socket

        monkeypatch.setattr(exec_stream, "create_websocket", connect)
        return asked

    return use


def executed(stdin=None, seconds=60):
    return list(
        exec_stream.execute(
            SETTINGS, {"Authorization": "Bearer sesame"}, "/api/v1/pods/w/exec?command=ls", stdin, seconds
        )
    )


def test_both_outputs_and_the_status_come_in_order_whole_letters_only(opened):
    letter = "ä".encode()
    socket = Socket(
        b"\x01", b"\x01a" + letter[:1], b"\x02oops", b"\x01" + letter[1:], b"\x03{}", b"\x01never read"
    )
    asked = opened(socket)
    assert executed() == [(STDOUT, "a"), (STDERR, "oops"), (STDOUT, "ä"), (STATUS, "{}")] and socket.closed
    assert asked == [
        (
            "wss://api.test:6443/api/v1/pods/w/exec?command=ls",
            {"authorization": "Bearer sesame", "sec-websocket-protocol": exec_stream._PROTOCOLS},
        )
    ]


def test_the_input_goes_in_pieces_and_is_ended(opened):
    socket = Socket(b"\x03{}")
    opened(socket)
    executed("x" * 40000)
    assert [len(data) for data in socket.sent] == [32769, 7233, 2] and socket.sent[-1] == b"\xff\x00"


def test_a_server_that_cannot_end_the_input_is_told_before_anything_is_sent(opened):
    socket = Socket(protocol="v4.channel.k8s.io")
    opened(socket)
    with pytest.raises(ReleaseError, match="stdin needs Kubernetes 1.30"):
        executed("input")
    assert socket.sent == [] and socket.closed


@pytest.mark.parametrize(
    "last", [(CLOSE, b""), websocket.WebSocketConnectionClosedException("gone"), ConnectionResetError()]
)
def test_a_connection_that_ends_early_ends_without_a_status(opened, last):
    opened(Socket(b"\x01half", last))
    assert executed() == [(STDOUT, "half")]


def test_the_time_ends_while_it_is_silent_and_while_it_talks(opened):
    opened(Socket(websocket.WebSocketTimeoutException("timed out")))
    with pytest.raises(TimeoutError):
        executed()
    opened(Socket(b"\x01x"))
    with pytest.raises(TimeoutError):
        executed(seconds=0)


@pytest.mark.parametrize(
    ("error", "kind", "said"),
    [
        (
            websocket.WebSocketBadStatusException("no", 403, resp_body=b'{"message": "pods is forbidden"}'),
            ReleaseError,
            "pods is forbidden",
        ),
        (websocket.WebSocketBadStatusException("no", 404, resp_body=b"no such pod"), NotFound, "no such pod"),
        (ConnectionRefusedError("refused"), Unavailable, "refused"),
    ],
)
def test_a_refusal_is_told_in_the_servers_own_words(opened, error, kind, said):
    opened(error)
    with pytest.raises(kind) as caught:
        executed()
    assert said in caught.value.why[0] and "sesame" not in str(caught.value)
