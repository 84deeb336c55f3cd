# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What a pod asks for: pure, over its spec."""

from __future__ import annotations

from ..api.port import Object


def describe_probe(probe: Object) -> str:
    """A probe as its author wrote it, in one line."""
    http, every = probe.get("httpGet"), f" every {probe.get('periodSeconds', 10)} s"
    if http:
        return f"GET {http.get('path', '/')} on port {http.get('port')}{every}"
    for kind, what in (("tcpSocket", "port"), ("grpc", "port")):
        if probe.get(kind):
            return f"{kind} {probe[kind].get(what)}{every}"
    return " ".join((probe.get("exec") or {}).get("command") or ["?"]) + every


def containers(pod: Object) -> list[Object]:
    spec = pod.get("spec") or {}
    return [*(spec.get("initContainers") or []), *(spec.get("containers") or [])]


def container(pod: Object, name: str) -> Object:
    return next((item for item in containers(pod) if item.get("name") == name), {})
