# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Questions to a server: does it answer, and if it never does, why."""

from __future__ import annotations

import http.client
import socket
import ssl
import time
import typing as t
import urllib.error
import urllib.request
from pathlib import Path

from sandbox.errors import SandboxError

# A proxy of the user's environment would answer in the server's place.
_direct = urllib.request.ProxyHandler({})


def answers(url: str, *, context: ssl.SSLContext | None = None, timeout: float = 2.0) -> bool:
    """True for a 2xx only: on some machines a gateway answers for addresses that do not exist."""
    opener = urllib.request.build_opener(_direct, urllib.request.HTTPSHandler(context=context))
    try:
        with opener.open(url, timeout=timeout) as answer:
            return 200 <= answer.status < 300
    except (urllib.error.URLError, http.client.HTTPException, OSError):
        return False


def listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((host, port), timeout=1.0):
            return True
    except OSError:
        return False


def unverified() -> ssl.SSLContext:
    """For health endpoints with a certificate a component made for itself, on our own loopback."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def last_lines(log: Path, count: int = 8) -> str:
    try:
        lines = log.read_text(errors="replace").splitlines()
    except OSError:
        return "  (no log)"
    return "\n".join("  " + line[:400] for line in lines[-count:])


def wait(
    what: str,
    check: t.Callable[[], bool],
    limit: float,
    alive: t.Callable[[], bool] = lambda: True,
    log: Path | None = None,
) -> None:
    """Until the check holds; ends early, with the last lines of the log, when the process behind it has died."""
    began = time.monotonic()
    pause = 0.02
    while not check():
        lasted = time.monotonic() - began
        running = alive()
        if not running or lasted > limit:
            why = "has ended" if not running else f"does not answer after {lasted:.0f} s"
            tail = f" The last lines of {log}:\n{last_lines(log)}" if log else ""
            raise SandboxError(f"{what} {why}.{tail}")
        time.sleep(pause)
        pause = min(pause * 1.5, 0.25)
