# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Backups in a bucket of S3, or of a service that speaks its protocol."""

from __future__ import annotations

import contextlib
import dataclasses
import io
import math
import typing as t
import urllib.parse

from ...._aws.client import client
from ...._aws.options import AwsAccess
from ...._common.errors import Forbidden
from ..pipeline import CHUNK
from .store import Missing, Readable, Stored, StoreError, Unfinished

with contextlib.suppress(ImportError):  # client() reports that it is missing
    import boto3
    import botocore.exceptions
    from boto3.s3.transfer import TransferConfig

_MEBIBYTE = 1 << 20
# Limits of S3 (Amazon S3 User Guide, multipart upload limits): 10,000 parts of 5 MiB to 5 GiB.
_PARTS, _SMALLEST_PART = 9_500, 8 * _MEBIBYTE
# Bytes that all parts under way may take together, so that memory does not grow with the database.
_IN_FLIGHT = 48 * _MEBIBYTE
_READ_ATTEMPTS = 5
_NOT_FOUND = ("404", "NoSuchKey", "NotFound")
_DENIED = (
    "403",
    "AccessDenied",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
    "ExpiredToken",
    "InvalidToken",
)


def part_size(expected: int) -> int:
    """Bytes of a part, whole mebibytes, so that this many bytes fit into S3's number of parts."""
    return max(_SMALLEST_PART, math.ceil(expected / _PARTS / _MEBIBYTE) * _MEBIBYTE)


@dataclasses.dataclass(frozen=True)
class Encryption:
    """How S3 encrypts what it stores; None leaves that to the bucket."""

    method: str | None = None
    kms_key_id: str | None = None

    def arguments(self) -> dict[str, str]:
        given = {"ServerSideEncryption": self.method, "SSEKMSKeyId": self.kms_key_id}
        return {name: value for name, value in given.items() if value}


class S3Store:
    """Backups in a bucket, below a prefix."""

    def __init__(self, bucket: str, prefix: str, access: AwsAccess, encryption: Encryption) -> None:
        self._bucket = bucket
        self._prefix = f"{prefix}/" if prefix else ""
        self.where = f"s3://{self._bucket}/{self._prefix}"
        self._extra = encryption.arguments()
        self._client = client("s3", access, self.where)

    def write(
        self, name: str, stream: Readable, *, expected: int = 0, tags: t.Mapping[str, str] | None = None
    ) -> Stored:
        size = part_size(expected)
        config = TransferConfig(
            multipart_threshold=size,
            multipart_chunksize=size,
            max_concurrency=max(1, min(3, _IN_FLIGHT // size - 1)),
            io_chunksize=CHUNK,
        )
        config.max_in_memory_upload_chunks = (
            1  # s3transfer's default of 10 would hold the dump in memory when the network is slow
        )
        counted = _Counted(stream)
        tagging = {"Tagging": urllib.parse.urlencode(tags, quote_via=urllib.parse.quote)} if tags else {}
        with self._translated_errors(name):
            # When reading raises, boto3 aborts the upload: nothing becomes visible.
            self._client.upload_fileobj(
                counted,
                self._bucket,
                self._prefix + name,
                ExtraArgs={**self._extra, **tagging},
                Config=config,
            )
        stored = self.stat(name)
        if stored is None or stored.size != counted.bytes:
            self.delete([name])
            outcome = "it is not there" if stored is None else f"it has {stored.size}"
            raise StoreError(
                f"{self.where}{name} is not what was sent.",
                why=[f"{counted.bytes} bytes were sent, {outcome}"],
                done="it was removed",
            )
        return stored

    def read(self, name: str) -> t.Iterator[bytes]:
        """Reads on from where a connection broke, as long as the object is still the same."""
        position, mark, attempts = 0, "", 0
        while True:
            begin = {"Range": f"bytes={position}-", "IfMatch": f'"{mark}"'} if position else {}
            with self._translated_errors(name):
                answer = self._client.get_object(Bucket=self._bucket, Key=self._prefix + name, **begin)
            mark, total = answer["ETag"].strip('"'), position + answer["ContentLength"]
            try:
                while data := answer["Body"].read(CHUNK):
                    position += len(data)
                    attempts = 0
                    yield data
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.HTTPClientError, OSError) as exc:
                attempts += 1
                if attempts >= _READ_ATTEMPTS:
                    raise StoreError(
                        f"{self.where}{name} cannot be read.",
                        why=[str(exc), f"after {position} of {total} bytes"],
                    ) from exc
                continue
            finally:
                answer["Body"].close()
            return

    def stat(self, name: str) -> Stored | None:
        try:
            with self._translated_errors(name):
                found = self._client.head_object(Bucket=self._bucket, Key=self._prefix + name)
        except Missing:
            return None
        return Stored(
            name, found["ContentLength"], found["LastModified"].timestamp(), found["ETag"].strip('"')
        )

    def listing(self, under: str = "") -> list[Stored]:
        with self._translated_errors(under):
            pages = self._client.get_paginator("list_objects_v2").paginate(
                Bucket=self._bucket, Prefix=self._prefix + under
            )
            return [
                Stored(
                    item["Key"].removeprefix(self._prefix),
                    item["Size"],
                    item["LastModified"].timestamp(),
                    item["ETag"].strip('"'),
                )
                for page in pages
                for item in page.get("Contents", [])
            ]

    def delete(self, names: t.Sequence[str]) -> None:
        for name in names:
            with self._translated_errors(name), contextlib.suppress(Missing):
                self._client.delete_object(Bucket=self._bucket, Key=self._prefix + name)

    def tag(self, name: str, tags: t.Mapping[str, str]) -> None:
        with self._translated_errors(name):
            current = self._client.get_object_tagging(Bucket=self._bucket, Key=self._prefix + name)["TagSet"]
            merged = {**{tag["Key"]: tag["Value"] for tag in current}, **tags}
            tag_set = [{"Key": key, "Value": value} for key, value in merged.items()]
            self._client.put_object_tagging(
                Bucket=self._bucket, Key=self._prefix + name, Tagging={"TagSet": tag_set}
            )

    def unfinished(self) -> list[Unfinished]:
        with self._translated_errors(""):
            pages = self._client.get_paginator("list_multipart_uploads").paginate(
                Bucket=self._bucket, Prefix=self._prefix
            )
            return [
                Unfinished(
                    item["Key"].removeprefix(self._prefix), item["Initiated"].timestamp(), item["UploadId"]
                )
                for page in pages
                for item in page.get("Uploads", [])
            ]

    def discard(self, left: Unfinished) -> None:
        with self._translated_errors(left.name), contextlib.suppress(Missing):
            self._client.abort_multipart_upload(
                Bucket=self._bucket, Key=self._prefix + left.name, UploadId=left.handle
            )

    @contextlib.contextmanager
    def _translated_errors(self, name: str) -> t.Iterator[None]:
        where = f"{self.where}{name}"
        try:
            yield
        except botocore.exceptions.ClientError as exc:
            error = exc.response.get("Error", {})
            code = error.get("Code", "")
            answer = f"S3 answered {code}: {error.get('Message', '')}"
            if code in _NOT_FOUND:
                raise Missing(f"{where} is not there.", why=[answer]) from exc
            if code in _DENIED:
                raise Forbidden(
                    f"{where}: S3 denied access.",
                    why=[answer],
                    then="check access_key, secret_key and session_token, and the bucket's policy",
                ) from exc
            raise StoreError(f"{where}: S3 refused.", why=[answer]) from exc
        except (botocore.exceptions.BotoCoreError, boto3.exceptions.Boto3Error) as exc:
            raise StoreError(
                f"{where}: S3 cannot be reached, or broke the connection.", why=[" ".join(str(exc).split())]
            ) from exc


class _Counted(io.RawIOBase):
    """A stream that counts its bytes. s3transfer asks for a whole part at a time and takes a short read for the end."""

    def __init__(self, stream: Readable) -> None:
        super().__init__()
        self._stream, self.bytes = stream, 0

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self.bytes += len(data)
        return data
