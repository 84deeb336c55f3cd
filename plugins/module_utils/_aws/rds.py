# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The port to RDS, and its adapter over boto3."""

from __future__ import annotations

import contextlib
import typing as t

from .._common.errors import Forbidden, NotFound, ReleaseError, Unavailable
from .._common.operation import Context
from .client import client
from .options import AwsAccess

with contextlib.suppress(ImportError):  # client() reports that it is missing
    import botocore.exceptions

Snapshot = dict[str, t.Any]
_DENIED = (
    "AccessDenied",
    "AccessDeniedException",
    "UnauthorizedOperation",
    "InvalidClientTokenId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
)
_MISSING = ("DBInstanceNotFound", "DBInstanceNotFoundFault", "DBSnapshotNotFound", "DBSnapshotNotFoundFault")


class Rds(t.Protocol):
    def status(self, instance: str) -> str:
        """The status of an instance; raises NotFound."""

    def snapshots(self, instance: str) -> list[Snapshot]:
        """The manual snapshots of an instance, as RDS describes them, but with the tags as a dictionary."""

    def snapshot(self, name: str) -> Snapshot:
        """One snapshot; raises NotFound."""

    def create(self, instance: str, name: str, tags: t.Mapping[str, str]) -> None:
        """Starts a snapshot, which has the tags from its first moment."""

    def delete(self, name: str) -> None:
        """Deletes a snapshot."""


def connect(context: Context) -> Rds:
    return BotoRds(AwsAccess.of(context.params), context.params["instance"])


class BotoRds:
    """RDS over boto3."""

    def __init__(self, access: AwsAccess, instance: str) -> None:
        self._client = client("rds", access, f"RDS, {instance}")

    def status(self, instance: str) -> str:
        with translated_errors():
            return str(
                self._client.describe_db_instances(DBInstanceIdentifier=instance)["DBInstances"][0][
                    "DBInstanceStatus"
                ]
            )

    def snapshots(self, instance: str) -> list[Snapshot]:
        with translated_errors():
            pages = self._client.get_paginator("describe_db_snapshots").paginate(
                DBInstanceIdentifier=instance, SnapshotType="manual"
            )
            return [_tagged(entry) for page in pages for entry in page["DBSnapshots"]]

    def snapshot(self, name: str) -> Snapshot:
        with translated_errors():
            return _tagged(self._client.describe_db_snapshots(DBSnapshotIdentifier=name)["DBSnapshots"][0])

    def create(self, instance: str, name: str, tags: t.Mapping[str, str]) -> None:
        with translated_errors():
            given = [{"Key": key, "Value": value} for key, value in tags.items()]
            self._client.create_db_snapshot(
                DBInstanceIdentifier=instance, DBSnapshotIdentifier=name, Tags=given
            )

    def delete(self, name: str) -> None:
        with translated_errors():
            self._client.delete_db_snapshot(DBSnapshotIdentifier=name)


def _tagged(entry: t.Mapping[str, t.Any]) -> Snapshot:
    return {**entry, "Tags": {tag["Key"]: tag["Value"] for tag in entry.get("TagList") or []}}


@contextlib.contextmanager
def translated_errors() -> t.Iterator[None]:
    try:
        yield
    except botocore.exceptions.ClientError as exc:
        code = exc.response["Error"].get("Code", "")
        message = exc.response["Error"].get("Message", "")
        kind: type[ReleaseError] = ReleaseError
        if code in _DENIED:
            kind = Forbidden
        elif code in _MISSING:
            kind = NotFound
        raise kind(f"RDS refused {exc.operation_name} ({code}).", why=[message]) from exc
    except botocore.exceptions.BotoCoreError as exc:
        raise Unavailable(
            "RDS did not answer.", why=[str(exc)], then="check region, endpoint_url and the credentials"
        ) from exc
