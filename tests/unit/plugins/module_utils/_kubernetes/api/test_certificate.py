# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import datetime

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.certificate import (
    end,
    first_end,
)
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

KEY = ec.generate_private_key(ec.SECP256R1())


def made(year, encoding=Encoding.PEM):
    """By the library that is too much to ask of every host."""
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "wallet.example.com" * 3)])
    builder = x509.CertificateBuilder(
        name,
        name,
        KEY.public_key(),
        x509.random_serial_number(),
        datetime.datetime(2001, 1, 1),
        datetime.datetime(year, 2, 3, 4, 5, 6),
    )
    return (
        builder.add_extension(x509.BasicConstraints(True, None), True)
        .sign(KEY, hashes.SHA256())
        .public_bytes(encoding)
    )


def stamp(year):
    return datetime.datetime(year, 2, 3, 4, 5, 6, tzinfo=datetime.UTC).timestamp()


@pytest.mark.parametrize(
    "year", [2026, 2049, 2050, 2126]
)  # from 2050 on the standard writes another kind of time
def test_the_end_is_the_one_that_the_library_reads(year):
    assert end(made(year, Encoding.DER)) == first_end(made(year).decode()) == stamp(year)


def test_of_a_chain_the_one_that_ends_first_counts():
    assert first_end("\n".join(made(year).decode() for year in (2040, 2027, 2060))) == stamp(2027)


@pytest.mark.parametrize(
    "given",
    [
        b"",
        b"\x30",
        b"\x30\x03\x02\x01",
        b"not a certificate",
        made(2026, Encoding.DER)[:200],
        b"\x30\x82\x00\x02\x05\x00",
    ],
)
def test_what_is_no_certificate_is_said_to_be_none(given):
    with pytest.raises(ValueError, match="not a certificate"):
        end(given)


@pytest.mark.parametrize(
    "given",
    ["", "-----BEGIN PRIVATE KEY-----", "-----BEGIN CERTIFICATE-----\nAAA\n-----END CERTIFICATE-----"],
)
def test_a_text_without_one_is_said_to_have_none(given):
    with pytest.raises(ValueError, match="certificate"):
        first_end(given)
