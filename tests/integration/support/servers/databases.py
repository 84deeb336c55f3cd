# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""The servers that hold data, as the tests use them: a database, a bucket, a Redis of the test's own."""

from __future__ import annotations

import dataclasses
import os
import subprocess
import typing as t
import uuid

from sandbox.components.postgresql import programs
from sandbox.settings import POSTGRES_PASSWORD, REDIS_PASSWORD, SOURCES, Settings

HOST, SUPERUSER = "127.0.0.1", "postgres"
SCHEMA = SOURCES / "database" / "exchange.sql"


@dataclasses.dataclass(frozen=True)
class Database:
    """A database on the sandbox's server.

    :ivar login: the options of a module that reach it.
    """

    port: int
    name: str
    user: str = SUPERUSER
    password: str = POSTGRES_PASSWORD

    @property
    def login(self) -> dict[str, t.Any]:
        return {
            "login_host": HOST,
            "login_port": self.port,
            "login_user": self.user,
            "login_password": self.password,
            "database": self.name,
        }

    @property
    def environment(self) -> dict[str, str]:
        return {
            "PGHOST": HOST,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
            "PGDATABASE": self.name,
        }

    def psql(self, sql: str = "", *more: str) -> str:
        """What psql answers, without headings. It fails the test when the server refuses."""
        command = [
            str(programs() / "psql"),
            "-XqAt",
            "-v",
            "ON_ERROR_STOP=1",
            *(["-c", sql] if sql else []),
            *more,
        ]
        done = subprocess.run(
            command,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.rstrip("\n")

    def to(self, name: str) -> Database:
        return dataclasses.replace(self, name=name)

    def fill(self, orders: int) -> None:
        """The exchange's schema with that many orders; 2000 are about a megabyte."""
        self.psql("", "-v", f"orders={orders}", "-f", str(SCHEMA))

    def names(self) -> list[str]:
        """It and what a test made of it: copies have its name at their beginning."""
        return (
            self.to(SUPERUSER)
            .psql(f"SELECT datname FROM pg_database WHERE datname LIKE '{self.name}%' ORDER BY 1")
            .splitlines()
        )

    def sessions(self, like: str = "runbook.release%") -> list[str]:
        """Names of the applications connected to any of them."""
        sql = f"SELECT application_name FROM pg_stat_activity WHERE datname LIKE '{self.name}%' AND application_name LIKE '{like}'"
        return self.to(SUPERUSER).psql(sql).splitlines()

    def drop(self) -> None:
        for name in self.names():
            self.to(SUPERUSER).psql(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


def fresh(settings: Settings) -> Database:
    database = Database(settings.port("postgresql"), f"test_{uuid.uuid4().hex[:8]}")
    database.to(SUPERUSER).psql(f'CREATE DATABASE "{database.name}"')
    return database


@dataclasses.dataclass(frozen=True)
class Redis:
    port: int

    @property
    def login(self) -> dict[str, t.Any]:
        return {"host": HOST, "port": self.port, "password": REDIS_PASSWORD}


@dataclasses.dataclass(frozen=True)
class Bucket:
    """A bucket of the sandbox's S3.

    :ivar store: the options of a module that reach it.
    """

    url: str
    name: str
    access_key: str = "AKIASANDBOXSANDBOX00"
    secret_key: str = "sandbox-secret-key-0123456789"

    @property
    def store(self) -> dict[str, t.Any]:
        return {
            "bucket": self.name,
            "endpoint_url": self.url,
            "region": "us-east-1",
            "access_key": self.access_key,
            "secret_key": self.secret_key,
        }

    def client(self) -> t.Any:
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
        )

    def names(self) -> list[str]:
        return [item["Key"] for item in self.client().list_objects_v2(Bucket=self.name).get("Contents", [])]

    def unfinished(self) -> list[str]:
        return [
            item["Key"] for item in self.client().list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        ]

    def empty(self) -> None:
        client = self.client()
        for key in self.names():
            client.delete_object(Bucket=self.name, Key=key)
        for upload in client.list_multipart_uploads(Bucket=self.name).get("Uploads", []):
            client.abort_multipart_upload(Bucket=self.name, Key=upload["Key"], UploadId=upload["UploadId"])
        client.delete_bucket(Bucket=self.name)


def fresh_bucket(settings: Settings) -> Bucket:
    bucket = Bucket(settings.s3_url, f"test-{uuid.uuid4().hex[:8]}")
    bucket.client().create_bucket(Bucket=bucket.name)
    return bucket
