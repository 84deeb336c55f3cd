# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The certificate that a server shows, by a connection of its own."""

from __future__ import annotations

import socket
import ssl
import urllib.parse

from ..._common.errors import Unavailable

_SECONDS = 4


def certificate_of(address: str, server_name: str | None) -> bytes:
    """As DER. It is only read; every request verifies it."""
    parts = urllib.parse.urlsplit(address)
    host = parts.hostname or ""
    look = ssl.create_default_context()
    look.check_hostname, look.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, parts.port or 443), _SECONDS) as plain,
            look.wrap_socket(plain, server_hostname=server_name or host) as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""
    except OSError as exc:
        raise Unavailable(
            f"The certificate of the API server {address} cannot be looked at.", why=[str(exc)]
        ) from exc
