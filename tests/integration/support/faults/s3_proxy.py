# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy in front of S3 that does what S3 and the network
before it do on bad days; moto refuses nothing by itself.
"""

from __future__ import annotations

import contextlib
import http.client
import http.server
import ssl
import threading
import typing as t

# What a rule answers for a method and a path with query: None lets the request through; a status
# and a code of S3 refuse it; "cut" reads half of what is sent, or sends half of the answer, and
# drops the connection; "hang" takes all and never answers.
Rule = t.Callable[[str, str], "tuple[int, str] | str | None"]


class S3Proxy:
    def __init__(self, upstream: str, rule: Rule, tls: ssl.SSLContext | None = None) -> None:
        self.upstream, self.rule, self.faults = upstream.removeprefix("http://"), rule, 0
        self.over = threading.Event()
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self})
        )
        self._server.daemon_threads = True
        self.port = self._server.server_port
        if tls:
            self._server.socket = tls.wrap_socket(self._server.socket, server_side=True)

    @contextlib.contextmanager
    def running(self) -> t.Iterator[str]:
        """The address of S3 as it is seen through the proxy."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        try:
            yield f"http://127.0.0.1:{self.port}"
        finally:
            self.over.set()
            self._server.shutdown()
            self._server.server_close()


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: S3Proxy
    wbufsize = -1  # an answer in two packets waits 40 ms for the first to be confirmed

    def handle_any(self) -> None:
        fault = self.proxy.rule(self.command, self.path)
        self.proxy.faults += fault is not None
        length = int(self.headers.get("Content-Length") or 0)
        if self.headers.get("Expect", "").lower() == "100-continue":
            self.send_response_only(100)
            self.end_headers()
        if fault == "cut" and self.command != "GET":
            self.rfile.read(length // 2)
            self.close_connection = True
            return
        body = self._body(length)
        if fault == "hang":
            self.proxy.over.wait()
            self.close_connection = True
            return
        if isinstance(fault, tuple):
            text = f"<Error><Code>{fault[1]}</Code><Message>said by the test</Message></Error>".encode()
            self._answer(fault[0], [("Content-Type", "application/xml")], text, len(text))
            return
        self._forward(body, fault)

    def _forward(self, body: bytes, fault: str | None) -> None:
        connection = http.client.HTTPConnection(self.proxy.upstream, timeout=60)
        connection.request(
            self.command,
            self.path,
            body,
            {name: value for name, value in self.headers.items() if name.lower() != "expect"},
        )
        answer = connection.getresponse()
        data = answer.read()
        kept = [
            (name, value)
            for name, value in answer.getheaders()
            if name.lower() not in ("content-length", "transfer-encoding", "connection")
        ]
        length = int(answer.getheader("Content-Length") or 0) if self.command == "HEAD" else len(data)
        self._answer(answer.status, kept, data[: len(data) // 2] if fault == "cut" else data, length)
        self.close_connection = fault == "cut"

    def _body(self, length: int) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(length)
        body = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            """A trailer."""
        return body

    def _answer(self, status: int, headers: list[tuple[str, str]], data: bytes, length: int) -> None:
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(length))
        self.end_headers()
        self.wfile.write(b"" if self.command == "HEAD" else data)
        self.wfile.flush()

    do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = handle_any

    def log_request(self, code: t.Any = "-", size: t.Any = "-") -> None:
        """Silent: the tests say what matters."""
