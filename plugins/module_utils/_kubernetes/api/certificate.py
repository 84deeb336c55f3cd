# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""When a certificate ends: pure, over PEM or DER, with no library (a target host may have none)."""

from __future__ import annotations

import base64
import binascii
import datetime
import re
import typing as t

_PEM = re.compile(r"-----BEGIN CERTIFICATE-----(.*?)-----END CERTIFICATE-----", re.DOTALL)
_SEQUENCE, _VERSION, _UTC_TIME, _GENERALIZED_TIME = 0x30, 0xA0, 0x17, 0x18


def first_end(pem: str) -> float:
    """The earliest end of a chain, in seconds since the epoch; ValueError where there is no certificate."""
    try:
        chain = [base64.b64decode(block) for block in _PEM.findall(pem)]
    except binascii.Error as exc:
        raise ValueError("a certificate in it is no base64") from exc
    if not chain:
        raise ValueError("it holds no certificate in PEM")
    return min(end(certificate) for certificate in chain)


def end(der: bytes) -> float:
    """RFC 5280, 4.1: Certificate > tbsCertificate > (version),
    serial number, signature, issuer, validity > notBefore, notAfter.
    """
    try:
        fields = list(_inside(_of(_inside(_of(_inside(der))))))
        if fields[0][0] == _VERSION:
            fields = fields[1:]
        _not_before, not_after = _inside(_of(fields[3:4]))
        return _time(*not_after)
    except (IndexError, ValueError, UnicodeDecodeError) as exc:
        raise ValueError("it holds something that is no certificate") from exc


def _of(elements: t.Iterable[tuple[int, bytes]]) -> bytes:
    """The content of the first, which has to be a sequence."""
    tag, content = next(iter(elements), (0, b""))
    if tag != _SEQUENCE:
        raise ValueError(f"tag {tag} where a sequence has to be")
    return content


def _inside(data: bytes) -> t.Iterator[tuple[int, bytes]]:
    """Tag and content of one element after the other."""
    while data:
        tag, length, at = data[0], data[1], 2
        if length & 0x80:
            at += length & 0x7F
            length = int.from_bytes(data[2:at], "big")
        end_of_it = at + length
        if end_of_it > len(data):
            raise ValueError("cut off")
        yield tag, data[at:end_of_it]
        data = data[end_of_it:]


def _time(tag: int, content: bytes) -> float:
    text = content.decode("ascii")
    if tag == _UTC_TIME:  # two digits of a year: 50 to 99 are of the last century
        text = ("19" if int(text[:2]) >= 50 else "20") + text
    elif tag != _GENERALIZED_TIME:
        raise ValueError(f"tag {tag} where a time has to be")
    return datetime.datetime.strptime(text, "%Y%m%d%H%M%SZ").replace(tzinfo=datetime.timezone.utc).timestamp()
