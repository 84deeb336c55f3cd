# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Clients of AWS, and of what speaks its language: validated
options in, boto3's client out. Nothing here connects.
"""

from __future__ import annotations

import typing as t

from .._common.errors import InputError, ReleaseError

try:
    import boto3
    import botocore.config
    import botocore.exceptions

    HAS_BOTO3 = True
except ImportError:
    HAS_BOTO3 = False


def client(service: str, params: t.Mapping[str, t.Any], where: str) -> t.Any:
    """
    :param where: for a person: what the client is to reach.
    """
    if params["request_timeout"] < 1:
        raise InputError(f"request_timeout: found {params['request_timeout']}; allowed: at least 1 (seconds)")
    if not HAS_BOTO3:
        raise ReleaseError(
            "The Python package 'boto3' is missing where this task runs.",
            then="pip install boto3 for the Python that runs it",
        )
    try:
        session = boto3.session.Session(
            profile_name=params["profile"],
            region_name=params["region"],
            aws_access_key_id=params["access_key"],
            aws_secret_access_key=params["secret_key"],
            aws_session_token=params["session_token"],
        )
        config = botocore.config.Config(
            retries={"mode": "standard", "total_max_attempts": 4},
            connect_timeout=10,
            read_timeout=params["request_timeout"],
        )
        return session.client(
            service, endpoint_url=params["endpoint_url"], verify=params["ca_bundle"], config=config
        )
    except (botocore.exceptions.BotoCoreError, ValueError) as exc:
        raise ReleaseError(
            f"{where}: no client could be made.",
            why=[str(exc)],
            then="check region, profile and endpoint_url",
        ) from exc
