# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Clients of AWS, and of services that speak its protocol. Nothing here connects."""

from __future__ import annotations

import typing as t

from .._common.errors import ReleaseError
from .options import AwsAccess

try:
    import boto3
    import botocore.config
    import botocore.exceptions

    HAS_BOTO3 = True
except ImportError:
    HAS_BOTO3 = False


def client(service: str, access: AwsAccess, where: str) -> t.Any:
    """boto3's client of a service.

    :param where: names the service in errors.
    """
    if not HAS_BOTO3:
        raise ReleaseError(
            "The Python package 'boto3' is missing where this task runs.",
            then="pip install boto3 for the Python that runs it",
        )
    try:
        session = boto3.session.Session(
            profile_name=access.profile,
            region_name=access.region,
            aws_access_key_id=access.access_key,
            aws_secret_access_key=access.secret_key,
            aws_session_token=access.session_token,
        )
        config = botocore.config.Config(
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=10,
            read_timeout=access.request_timeout,
        )
        return session.client(
            service, endpoint_url=access.endpoint_url, verify=access.ca_bundle, config=config
        )
    except (botocore.exceptions.BotoCoreError, ValueError) as exc:
        raise ReleaseError(
            f"{where}: no client could be made.",
            why=[str(exc)],
            then="check region, profile and endpoint_url",
        ) from exc
