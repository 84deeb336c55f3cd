# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The options by which AWS is reached. Apart from the client, so that checking an
inventory does not import boto3, which takes 0.3 s.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .._common.options import Option

OPTIONS: dict[str, Option] = {
    "endpoint_url": Option("str"),
    "region": Option("str"),
    "profile": Option("str"),
    "access_key": Option("str", secret=True),
    "secret_key": Option("str", secret=True),
    "session_token": Option("str", secret=True),
    "ca_bundle": Option("path"),
    "request_timeout": Option("int", 60, low=1, high=3600),
}


@dataclasses.dataclass(frozen=True)
class AwsAccess:
    """How AWS, or a service that speaks its protocol, is reached. What is None comes from boto3's own configuration."""

    endpoint_url: str | None
    region: str | None
    profile: str | None
    access_key: str | None = dataclasses.field(repr=False)
    secret_key: str | None = dataclasses.field(repr=False)
    session_token: str | None = dataclasses.field(repr=False)
    ca_bundle: str | None
    request_timeout: int

    @classmethod
    def of(cls, params: t.Mapping[str, t.Any]) -> AwsAccess:
        return cls(**{name: params[name] for name in OPTIONS})
