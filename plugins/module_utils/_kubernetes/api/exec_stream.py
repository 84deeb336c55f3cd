# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Runs commands in containers, over the websocket that the API server offers for them."""

from __future__ import annotations

import codecs
import json
import time
import typing as t

from ..._common.errors import NotFound, ReleaseError, Unavailable
from .client import NEXT_BY_STATUS, ClusterApi
from .port import STATUS, STDERR, STDOUT

try:
    import websocket  # of the package kubernetes
    from kubernetes.stream.ws_client import create_websocket
except ImportError:  # reported by client, where the connection is made
    pass

_STDIN, _CLOSE = 0, 255
# Only the fifth version can say that the input has ended (Kubernetes 1.30).
_CLOSING = "v5.channel.k8s.io"
_PROTOCOLS = f"{_CLOSING}, v4.channel.k8s.io"
_PIECE = 32768


class ExecClient(ClusterApi):
    """A cluster in whose pods commands can be run."""

    def execute(self, path: str, stdin: str | None, seconds: float) -> t.Iterator[tuple[int, str]]:
        return execute(self._settings, self._headers(), path, stdin, seconds)


def execute(
    settings: t.Any, headers: dict[str, str], path: str, stdin: str | None, seconds: float
) -> t.Iterator[tuple[int, str]]:
    """Sent once, and never again: whether a command has begun is not known when the connection breaks."""
    end = time.monotonic() + seconds
    socket = _connected(settings, headers, path)
    try:
        if stdin is not None:
            _write(socket, stdin)
        decoders = {
            channel: codecs.getincrementaldecoder("utf-8")(errors="replace")
            for channel in (STDOUT, STDERR, STATUS)
        }
        while True:
            left = end - time.monotonic()
            if left <= 0:
                raise TimeoutError
            socket.settimeout(left)
            try:
                opcode, frame = socket.recv_data()
            except websocket.WebSocketTimeoutException as exc:
                raise TimeoutError from exc
            except (websocket.WebSocketException, OSError):
                return  # without a status: the caller reports that the end is not known
            if opcode == websocket.ABNF.OPCODE_CLOSE or not frame:
                return
            if frame[0] in decoders and len(frame) > 1:
                yield frame[0], decoders[frame[0]].decode(frame[1:])
            if frame[0] == STATUS:
                return
    finally:
        socket.close(timeout=1)


def _connected(settings: t.Any, headers: dict[str, str], path: str) -> t.Any:
    given = {key.lower(): value for key, value in headers.items()}
    address = settings.host.replace("http", "ws", 1) + path
    try:
        return create_websocket(settings, address, {**given, "sec-websocket-protocol": _PROTOCOLS})
    except websocket.WebSocketBadStatusException as exc:
        raise _refusal(path, exc.status_code, _message(exc)) from exc
    except (websocket.WebSocketException, OSError) as exc:
        raise Unavailable(
            f"The API server {settings.host} does not answer.",
            why=[str(exc)],
            then="kubectl cluster-info; then run the same command again",
        ) from exc


def _message(error: t.Any) -> str:
    body = error.resp_body if isinstance(error.resp_body, bytes) else str(error.resp_body or "").encode()
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode(errors="replace")[:200] or str(error)


def _refusal(path: str, status: int, message: str) -> ReleaseError:
    kind = NotFound if status == 404 else ReleaseError
    return kind(
        f"The API server refused to run a command at {path.partition('?')[0]} ({status}).",
        why=[message],
        then=NEXT_BY_STATUS.get(status, ""),
    )


def _write(socket: t.Any, stdin: str) -> None:
    if (socket.getheaders() or {}).get("sec-websocket-protocol") != _CLOSING:
        raise ReleaseError(
            "This API server has no way to end the input (stdin needs Kubernetes 1.30 or newer).",
            then="leave stdin out",
        )
    data = stdin.encode()
    while data:
        piece, data = data[:_PIECE], data[_PIECE:]
        socket.send_binary(bytes([_STDIN]) + piece)
    socket.send_binary(bytes([_CLOSE, _STDIN]))
