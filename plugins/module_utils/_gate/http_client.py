# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""HTTP as the gates need it: a port, and its adapter over
Ansible's own open_url (proxies, TLS, no further package).
"""

from __future__ import annotations

import json
import typing as t
import urllib.error

from ansible.module_utils.urls import open_url

from .._common.errors import Unavailable
from .._common.operation import Context
from .._common.options import Option

OPTIONS = {
    "request_timeout": Option("int", 10, low=1),
    "validate_certs": Option("bool", True),
}


class Answer(t.NamedTuple):
    status: int
    body: bytes
    seconds: float


class Http(t.Protocol):
    def request(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        """Any status is an answer; no answer at all raises Unavailable."""


class OpenUrl:
    def __init__(self, context: Context) -> None:
        self._timeout = context.params["request_timeout"]
        self._verify = context.params["validate_certs"]
        self._now = context.clock.now

    def request(self, method: str, url: str, headers: dict[str, str], body: bytes | None) -> Answer:
        started = self._now()
        try:
            with open_url(
                url,
                method=method,
                headers=headers,
                data=body,
                timeout=self._timeout,
                validate_certs=self._verify,
                follow_redirects="none",
                http_agent="runbook.release",
            ) as response:
                return Answer(response.status, response.read(), self._now() - started)
        except urllib.error.HTTPError as exc:
            return Answer(exc.code, exc.read(), self._now() - started)
        except (OSError, ValueError) as exc:
            raise Unavailable(
                f"{method} {url} got no answer.", why=[str(getattr(exc, "reason", exc))]
            ) from exc


def encode(body: t.Any) -> tuple[bytes | None, dict[str, str]]:
    """A request body and the headers that go with it: text as it is, everything else as JSON."""
    if body is None:
        return None, {}
    if isinstance(body, str):
        return body.encode(), {}
    return json.dumps(body).encode(), {"Content-Type": "application/json"}


def shown(body: bytes) -> str:
    """The beginning of an answer, for a person."""
    return " ".join(body.decode(errors="replace").split())[:160] or "(empty)"
