# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The options of a store, and the store that they name."""

from __future__ import annotations

import typing as t

from ...._aws.options import OPTIONS as AWS
from ...._aws.options import AwsAccess
from ...._common.errors import InputError
from ...._common.operation import Context
from ...._common.options import Option
from .store import Store

OPTIONS: dict[str, Option] = {
    "path": Option("path"),
    "bucket": Option("str"),
    "prefix": Option("str", ""),
    **AWS,
    "server_side_encryption": Option("str", choices=["AES256", "aws:kms"]),
    "kms_key_id": Option("str"),
}
CONSTRAINTS: dict[str, t.Any] = {
    "mutually_exclusive": [["path", "bucket"]],
    "required_one_of": [["path", "bucket"]],
}


def connect(context: Context) -> Store:
    """The store that the options of a task name."""
    params = context.params
    prefix = params["prefix"].strip("/")
    if any(part in ("", ".", "..") for part in prefix.split("/")) and prefix:
        raise InputError(f"prefix: found {params['prefix']!r}; allowed: names separated by single slashes")
    if params["path"]:
        from .directory import DirectoryStore

        return DirectoryStore(params["path"], prefix)
    from .s3 import Encryption, S3Store

    encryption = Encryption(params["server_side_encryption"], params["kms_key_id"])
    return S3Store(params["bucket"], prefix, AwsAccess.of(params), encryption)
