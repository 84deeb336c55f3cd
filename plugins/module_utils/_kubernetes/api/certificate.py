# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""When certificates end, and which one a server shows."""

from __future__ import annotations

import socket
import ssl
import typing as t
import urllib.parse

from ..._common.errors import Unavailable

_CONNECT_SECONDS = 4


def first_end(pem: str) -> float:
    """The earliest end of a chain, in seconds since the epoch; ValueError where there is no certificate."""
    # A hard dependency of ansible-core. Few tasks need it, and it takes a while to import.
    from cryptography import x509

    try:
        return min(_end(certificate) for certificate in x509.load_pem_x509_certificates(pem.encode()))
    except ValueError as exc:
        raise ValueError("it holds no certificate in PEM") from exc


def end(der: bytes) -> float:
    """The end of one certificate, in seconds since the epoch; ValueError where it is not a certificate."""
    from cryptography import x509

    try:
        return _end(x509.load_der_x509_certificate(der))
    except ValueError as exc:
        raise ValueError("it holds something that is not a certificate") from exc


def of_server(address: str, server_name: str | None) -> bytes:
    """The certificate of a server, as DER. It is only read; every request verifies it."""
    url = urllib.parse.urlsplit(address)
    host = url.hostname or ""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        with (
            socket.create_connection((host, url.port or 443), _CONNECT_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=server_name or host) as secured,
        ):
            return secured.getpeercert(binary_form=True) or b""
    except OSError as exc:
        raise Unavailable(
            f"The certificate of the API server {address} cannot be read.", why=[str(exc)]
        ) from exc


def _end(certificate: t.Any) -> float:
    return float(certificate.not_valid_after_utc.timestamp())
