# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups of a realistic database (BENCH_ORDERS, a million orders are
about 0.8 GB): ours, the floor, and the runbook's way, in the same rounds.

The peers are what the runbook does (`pg_dump | gzip` to a file, then a copy to the
bucket), pg_dump to nowhere (the floor), and a plain pg_restore of a file on the disk.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

from sandbox.settings import Settings
from tests.bench.engine import HERE, run_operation
from tests.bench.figures import Race, Run, measured, report
from tests.integration.support.servers import databases

GOALS = (
    ("backup to S3", "pg_dump to nowhere", 1.5),
    ("backup to S3", "gzip and copy", 0.25),
    ("restore", "pg_restore", 1.1),
)
FLOORS = (("pg_dump to nowhere", "gzip and copy"),)
LIMITS = {
    "peak memory of a backup, MB": 150.0,
    "size of a backup / gzip -6": 1.05,
    "temporary bytes": 0.0,
    "hashing / without": 1.15,
}


def main() -> int:
    settings = Settings.from_environment()
    database, bucket = databases.fresh(settings), databases.fresh_bucket(settings)
    try:
        database.fill(int(os.environ.get("BENCH_ORDERS", "1000000")))
        size = int(database.psql("SELECT pg_database_size(current_database())"))
        print(f"a database of {size / 1e6:.0f} MB", flush=True)
        with tempfile.TemporaryDirectory() as folder:
            runs, figures = race(
                database, bucket, Path(folder), int(os.environ.get("BENCH_DATA_ROUNDS", "3"))
            )
            return report(Race("one database", runs, GOALS, FLOORS), figures, LIMITS)
    finally:
        database.drop()
        bucket.empty()


def race(
    database: databases.Database, bucket: databases.Bucket, folder: Path, rounds: int
) -> tuple[dict[str, list[Run]], dict[str, float]]:
    plain, archive = folder / "plain.sql.gz", folder / "archive.dump"
    copied = f"{sys.executable} {HERE / 'copy_to_s3.py'} {plain} {bucket.url} {bucket.name}"
    subprocess.run(
        "pg_dump -Fc > " + str(archive), shell=True, check=True, env={**os.environ, **database.environment}
    )
    contestants: dict[str, t.Callable[[], float]] = {
        "pg_dump to nowhere": lambda: shell("pg_dump > /dev/null", database),
        "gzip and copy": lambda: shell(f"pg_dump | gzip -6 > {plain} && {copied}", database),
        "backup to S3": lambda: backup(database, bucket)["seconds"],
        "backup without hashes": lambda: backup(database, bucket, hashes=False)["seconds"],
        "pg_restore": lambda: restored(
            database, lambda copy: shell(f"pg_restore -d {copy} {archive}", database)
        ),
        "restore": lambda: restored(
            database,
            lambda copy: operation("RESTORE", database, bucket, target=copy, backup="newest")["filled"],
            made=False,
        ),
    }
    runs: dict[str, list[Run]] = {name: [] for name in contestants}
    memory, stored = 0.0, 0
    for number in range(1, rounds + 1):
        for name, contestant in contestants.items():
            rested(database, bucket)
            runs[name].append(measured(contestant))
            print(f"round {number}/{rounds}  {name:<22} {runs[name][-1].seconds:6.1f} s", flush=True)
    last = backup(database, bucket)
    memory, stored = last["memory_mb"], last["backup"]["bytes"]
    figures = {
        "peak memory of a backup, MB": memory,
        "size of a backup / gzip -6": stored / plain.stat().st_size,
        "temporary bytes": float(last["temporary_bytes"]),
        "hashing / without": statistics.median(run.seconds for run in runs["backup to S3"])
        / statistics.median(run.seconds for run in runs["backup without hashes"]),
    }
    return runs, figures


def rested(database: databases.Database, bucket: databases.Bucket) -> None:
    """Nobody pays for what the one before has left to be
    written, nor for the gigabytes that moto holds in memory.
    """
    database.psql("CHECKPOINT")
    os.sync()
    client = bucket.client()
    things = sorted(
        client.list_objects_v2(Bucket=bucket.name).get("Contents", []), key=lambda thing: thing["Key"]
    )
    newest = max(
        (thing["Key"].rpartition("/")[0] for thing in things if thing["Key"].endswith("manifest.json")),
        default="",
    )
    for thing in things:
        if thing["Key"].rpartition("/")[0] != newest:
            client.delete_object(Bucket=bucket.name, Key=thing["Key"])


def shell(command: str, database: databases.Database) -> float:
    began = time.monotonic()
    subprocess.run(
        ["bash", "-o", "pipefail", "-c", command], check=True, env={**os.environ, **database.environment}
    )
    return time.monotonic() - began


def restored(database: databases.Database, work: t.Callable[[str], float], made: bool = True) -> float:
    """Into a database of its own, that is taken away afterwards."""
    copy = f"{database.name}_bench"
    if made:
        database.to("postgres").psql(f'CREATE DATABASE "{copy}" TEMPLATE template0')
    try:
        return work(copy)
    finally:
        database.to("postgres").psql(f'DROP DATABASE IF EXISTS "{copy}" WITH (FORCE)')


def backup(database: databases.Database, bucket: databases.Bucket, **params: t.Any) -> dict[str, t.Any]:
    return operation("BACKUP", database, bucket, **params)


def operation(
    name: str, database: databases.Database, bucket: databases.Bucket, **params: t.Any
) -> dict[str, t.Any]:
    """One operation in a fresh process; what it cost."""
    result = run_operation("data_operation.py", name, {**database.login, **bucket.store, **params})
    if result["error"]:
        raise SystemExit(f"{name} failed: {result['error']}")
    return result


if __name__ == "__main__":
    sys.exit(main())
