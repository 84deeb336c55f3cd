# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""A proxy in front of the API server that does what API servers, load balancers and networks do on bad days."""

from __future__ import annotations

import base64
import contextlib
import http.client
import http.server
import json
import ssl
import tempfile
import threading
import time
import typing as t
from pathlib import Path

import yaml

# What a rule answers: None lets the request through; a number is the status to refuse it with;
# "cut" ends a watch in the middle of its stream after a moment; "gone" answers a watch with
# 410; "lost" carries the request out and loses the answer.
Rule = t.Callable[[str, str], "int | str | None"]
_SECONDS_BEFORE_CUT = 0.4


class FaultProxy:
    """Plain HTTP on loopback to the API server of a kubeconfig with a client certificate."""

    def __init__(self, kubeconfig: Path, rule: Rule) -> None:
        self._config = yaml.safe_load(kubeconfig.read_text())
        self.rule = rule
        self.faults: list[tuple[str, str, int | str]] = []
        self._server = http.server.ThreadingHTTPServer(
            ("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": self})
        )
        self._server.daemon_threads = True

    @contextlib.contextmanager
    def running(self, folder: Path) -> t.Iterator[Path]:
        """The kubeconfig that goes through the proxy."""
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        config = {
            **self._config,
            "clusters": [
                {
                    **self._config["clusters"][0],
                    "cluster": {"server": f"http://127.0.0.1:{self._server.server_port}"},
                }
            ],
        }
        config["users"] = [{**self._config["users"][0], "user": {}}]
        path = folder / "through-the-proxy.yml"
        path.write_text(yaml.safe_dump(config))
        try:
            yield path
        finally:
            self._server.shutdown()
            self._server.server_close()

    def upstream(self) -> http.client.HTTPSConnection:
        cluster, user = self._config["clusters"][0]["cluster"], self._config["users"][0]["user"]
        host, _colon, port = cluster["server"].removeprefix("https://").partition(":")
        context = ssl.create_default_context(
            cadata=base64.b64decode(cluster["certificate-authority-data"]).decode()
        )
        with tempfile.NamedTemporaryFile() as pair:
            pair.write(
                base64.b64decode(user["client-certificate-data"]) + base64.b64decode(user["client-key-data"])
            )
            pair.flush()
            context.load_cert_chain(pair.name)
        return http.client.HTTPSConnection(host, int(port), context=context, timeout=330)


class _Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: FaultProxy

    def _any(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        fault = self.proxy.rule(self.command, self.path)
        if fault is not None:
            self.proxy.faults.append((self.command, self.path, fault))
        if isinstance(fault, int):
            self._refuse(fault)
        elif fault == "gone":
            self._expire_watch()
        else:
            self._forward(body, fault)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _any

    def _expire_watch(self) -> None:
        gone = {
            "type": "ERROR",
            "object": {
                "kind": "Status",
                "code": 410,
                "reason": "Expired",
                "message": "too old resource version",
            },
        }
        self._begin(200, "application/json")
        self._chunk(json.dumps(gone).encode() + b"\n")
        self._chunk(b"")

    def _forward(self, body: bytes, fault: str | None) -> None:
        upstream = self.proxy.upstream()
        upstream.request(
            self.command,
            self.path,
            body or None,
            {key: value for key, value in self.headers.items() if key != "Host"},
        )
        answer = upstream.getresponse()
        if fault == "lost":
            answer.read()
            self.close_connection = True
            return
        self._begin(
            answer.status, answer.getheader("Content-Type", "application/json"), answer.getheader("Date")
        )
        seconds = _SECONDS_BEFORE_CUT if fault == "cut" else None
        if seconds and upstream.sock:
            upstream.sock.settimeout(seconds)
        if not self._stream(answer, seconds):
            self.close_connection = True
        upstream.close()

    def _stream(self, answer: http.client.HTTPResponse, seconds: float | None) -> bool:
        """Whether the answer has reached its end; else the connection ends in the middle of it."""
        until = time.monotonic() + seconds if seconds else None
        with contextlib.suppress(TimeoutError, ConnectionError, OSError):
            while data := answer.read1(65536):
                self._chunk(data)
                if until and time.monotonic() > until:
                    return False
            self._chunk(b"")
            return True
        return False

    def _refuse(self, status: int) -> None:
        text = json.dumps(
            {"kind": "Status", "code": status, "message": f"the fault proxy says {status}"}
        ).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def _begin(self, status: int, kind: str, date: str | None = None) -> None:
        self.send_response_only(status)
        self.send_header("Content-Type", kind)
        self.send_header("Transfer-Encoding", "chunked")
        if date:
            self.send_header("Date", date)
        self.end_headers()

    def _chunk(self, data: bytes) -> None:
        self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
        self.wfile.flush()

    def log_message(self, *details: object) -> None:
        """Silent."""
