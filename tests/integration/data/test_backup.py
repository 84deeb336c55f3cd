# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Backups under faults that are real: whatever breaks, it is red,
nothing of the backup is visible, and those before it are untouched.
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import subprocess
import threading
import time
import typing as t
from pathlib import Path

import pytest

from tests.integration.support.examples import BACKUP, examples
from tests.integration.support.faults.s3_proxy import S3Proxy
from tests.integration.support.playbooks.runner import kill
from tests.integration.support.playbooks.tasks import Ran, Tasks
from tests.integration.support.processes import command_lines
from tests.integration.support.servers import databases
from tests.integration.support.servers.backups import backup, drill, listed
from tests.integration.support.servers.databases import Bucket, Database
from tests.integration.support.tiers import soak, split
from tests.integration.support.waiting import wait_for, wait_for_none

ORDERS = 60_000  # about 50 MB, whose dump at level 1 goes to S3 in two parts


@pytest.fixture(scope="session")
def filled(sandbox: t.Any) -> t.Iterator[Database]:
    """The exchange's database, for tests that only read it."""
    made = databases.fresh(sandbox.settings)
    made.fill(ORDERS)
    yield made
    made.drop()


@pytest.fixture(scope="session")
def small(sandbox: t.Any) -> t.Iterator[Database]:
    """The same with less in it."""
    made = databases.fresh(sandbox.settings)
    made.fill(2000)
    yield made
    made.drop()


def program(folder: Path, name: str, text: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(text)
    path.chmod(0o755)
    return path


def nothing_is_left(bucket: Bucket, database: Database) -> None:
    assert bucket.names() == []
    assert bucket.unfinished() == []
    assert database.sessions() == []


def scratches(database: Database) -> list[str]:
    return [name for name in database.names() if name.startswith(f"{database.name}_drill_")]


def test_a_backup_is_taken_proven_listed_and_not_taken_again(
    data_tasks: Tasks, small: Database, bucket: Bucket
) -> None:
    options = {
        **small.login,
        **bucket.store,
        "kind": "pre-deploy",
        "release": "2.4.0",
        "reuse_within": 3600,
        "tags": {"environment": "staging"},
    }
    checked = data_tasks.run({"runbook.release.pg_backup": options}, more=["--check"])
    assert checked.result["changed"] and bucket.names() == []
    ran = data_tasks.run(
        {"runbook.release.pg_backup": options},
        {"runbook.release.pg_backup": options},
        {"runbook.release.pg_restore_drill": {**small.login, **bucket.store}},
    )
    first, second, proven = ran.results
    assert (
        first["changed"]
        and not second["changed"]
        and second["reused"]
        and second["backup"]["id"] == first["backup"]["id"]
    )
    assert proven["changed"] and proven["rto_seconds"] >= 0 and scratches(small) == []
    (only,) = listed(data_tasks, bucket.store)
    assert (
        only["verified"]
        and only["release"] == "2.4.0"
        and only["rows"]
        == int(
            small.psql(
                f"SELECT {' + '.join(f'(SELECT count(*) FROM {name})' for name in ('users', 'wallets', 'orders', 'ledger', 'audit'))}"
            )
        )
    )
    dump = f"{only['id']}/database.dump.zst"
    tags = {
        tag["Key"]: tag["Value"]
        for tag in bucket.client().get_object_tagging(Bucket=bucket.name, Key=dump)["TagSet"]
    }
    assert tags == {
        "kind": "pre-deploy",
        "database": small.name,
        "environment": "staging",
        "verified": "true",
    }
    manifest = json.loads(
        bucket.client().get_object(Bucket=bucket.name, Key=f"{only['id']}/manifest.json")["Body"].read()
    )
    assert (
        manifest["content"]["tables"]["public.orders"]["rows"] == 2000
        and manifest["globals"]["passwords"] is True
        and manifest["lsn"]
    )
    assert "dumped" in ran.err or "backup taken in" in ran.err


def test_what_is_written_while_the_dump_runs_is_not_in_it_and_does_not_disturb_its_proof(
    data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    database.fill(10_000)
    over = threading.Event()

    def write() -> None:
        while not over.is_set():
            database.psql(
                "INSERT INTO audit SELECT now(), 'writer', ARRAY['x'] FROM generate_series(1, 50); UPDATE wallets SET balance = balance + 1 WHERE id < 50"
            )

    writer = threading.Thread(target=write)
    writer.start()
    try:
        assert not backup(data_tasks, database, bucket.store).failed
    finally:
        over.set()
        writer.join()
    assert not drill(data_tasks, database, bucket.store).failed


def test_in_a_folder_only_the_owner_may_read_it_and_restores_may_use_several_jobs(
    data_tasks: Tasks, small: Database, tmp_path: Path
) -> None:
    store = {"path": str(tmp_path / "backups")}
    taken = backup(data_tasks, small, store).result["backup"]
    files = [path for path in (tmp_path / "backups").rglob("*") if path.is_file()]
    assert sorted(path.name for path in files) == ["database.dump.zst", "globals.sql.zst", "manifest.json"]
    assert {oct(path.stat().st_mode & 0o777) for path in files} == {"0o600"}
    assert not drill(data_tasks, small, store, jobs=2, spool=str(tmp_path)).failed and scratches(small) == []
    assert [
        left.name
        for left in tmp_path.iterdir()
        if left.is_file() and not left.name.startswith(("result", "play"))
    ] == []
    assert taken["bytes"] == sum(path.stat().st_size for path in files if path.name != "manifest.json")


@pytest.mark.parametrize("broken", ["pg_dump", soak("zstd")])
def test_a_program_of_the_stream_that_is_killed_leaves_nothing(
    broken: str, data_tasks: Tasks, filled: Database, bucket: Bucket, tmp_path: Path
) -> None:
    """It has written some megabytes by then, so parts of it are in S3 already."""
    real, megabytes = {"pg_dump": ("/usr/bin/pg_dump", 27), "zstd": ("/usr/bin/zstd", 9)}[broken]
    text = f'#!/bin/sh\n[ "$1" = --version ] && exec {real} --version\n{real} "$@" | head -c {megabytes}000000\nkill -9 $$\n'
    program(tmp_path / "bin", broken, text)
    data_tasks.environment["PATH"] = f"{tmp_path / 'bin'}:{data_tasks.environment['PATH']}"
    ran = backup(data_tasks, filled, bucket.store, compression_level=1)
    assert ran.failed and f"{broken} was killed by signal 9" in ran.result["msg"], ran.result
    assert "nothing of this backup is left" in ran.result["msg"]
    nothing_is_left(bucket, filled)


def test_a_full_disk_leaves_nothing(data_tasks: Tasks, filled: Database, tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", small], check=True)
    try:
        ran = backup(data_tasks, filled, {"path": str(small)})
        assert ran.failed and "No space left on device" in ran.result["msg"]
        assert list(small.rglob("*")) == []
    finally:
        subprocess.run(["umount", small], check=True)


def part(method: str, path: str) -> bool:
    return method == "PUT" and "partNumber=2" in path


FAULTS: dict[str, tuple[t.Callable[[str, str], t.Any], str]] = {
    "answers 500 to every part": (
        lambda method, path: (500, "InternalError") if part(method, path) else None,
        "InternalError",
    ),
    "answers 503 when it is to complete": (
        lambda method, path: (503, "SlowDown") if method == "POST" and "uploadId" in path else None,
        "SlowDown",
    ),
    "says the token has expired": (lambda method, path: (400, "ExpiredToken"), "ExpiredToken"),
    "refuses to write": (
        lambda method, path: (403, "AccessDenied") if method in ("PUT", "POST") else None,
        "AccessDenied",
    ),
    "cuts the connection in mid-part": (
        lambda method, path: "cut" if part(method, path) else None,
        "broke the connection",
    ),
    "takes a part and never answers": (
        lambda method, path: "hang" if part(method, path) else None,
        "Read timeout",
    ),
    "refuses the manifest": (
        lambda method, path: (500, "InternalError") if method == "PUT" and "manifest" in path else None,
        "InternalError",
    ),
}


# A part, the manifest and the connection. The others are further answers of the same kinds.
IN_TEST = {"answers 500 to every part", "cuts the connection in mid-part", "refuses the manifest"}


@pytest.mark.parametrize("fault", split(FAULTS, IN_TEST))
def test_when_s3_fails_nothing_is_visible(
    fault: str, data_tasks: Tasks, filled: Database, bucket: Bucket
) -> None:
    rule, said = FAULTS[fault]
    with (proxy := S3Proxy(bucket.url, rule)).running() as address:
        ran = backup(
            data_tasks,
            filled,
            {**bucket.store, "endpoint_url": address, "request_timeout": 2},
            compression_level=1,
        )
    assert ran.failed and said in ran.result["msg"], ran.result
    assert proxy.faults > 0 and bucket.secret_key not in ran.full_output
    nothing_is_left(bucket, filled)


def test_a_single_bad_answer_is_survived_and_so_is_a_read_that_breaks_off(
    data_tasks: Tasks, filled: Database, bucket: Bucket
) -> None:
    once = {"PUT", "GET"}

    def rule(method: str, path: str) -> t.Any:
        if method == "PUT" and part(method, path) and "PUT" in once:
            once.remove("PUT")
            return (500, "InternalError")
        if method == "GET" and "database.dump" in path and "tagging" not in path and "GET" in once:
            once.remove("GET")
            return "cut"
        return None

    with S3Proxy(bucket.url, rule).running() as address:
        store = {**bucket.store, "endpoint_url": address}
        assert not backup(data_tasks, filled, store, compression_level=1).failed
        assert not drill(data_tasks, filled, store).failed
    assert once == set()


def test_a_wrong_bucket_and_a_wrong_address_are_reported(
    data_tasks: Tasks, small: Database, bucket: Bucket
) -> None:
    wrong = backup(data_tasks, small, {**bucket.store, "bucket": "no-such-bucket"})
    assert wrong.failed and "NoSuchBucket" in wrong.result["msg"]
    gone = backup(data_tasks, small, {**bucket.store, "endpoint_url": "http://127.0.0.1:9"})
    assert gone.failed and "cannot be reached" in gone.result["msg"]


def test_a_client_older_than_the_server_is_refused_before_anything_is_done(
    data_tasks: Tasks, small: Database, bucket: Bucket, tmp_path: Path
) -> None:
    program(
        tmp_path / "bin",
        "pg_dump",
        '#!/bin/sh\n[ "$1" = --version ] && echo "pg_dump (PostgreSQL) 12.4" && exit\nexit 9\n',
    )
    ran = backup(data_tasks, small, bucket.store, pg_bin=str(tmp_path / "bin"))
    assert ran.failed and ran.result["msg"].startswith(
        "pg_dump 12 cannot dump a server of version 15: it is older."
    )
    nothing_is_left(bucket, small)


def test_a_database_that_is_dropped_in_mid_dump(
    data_tasks: Tasks, database: Database, bucket: Bucket, tmp_path: Path
) -> None:
    database.fill(10_000)
    # The dump pauses after its first bytes, until the test has dropped the database.
    held = f'/usr/bin/pg_dump "$@" | {{ head -c 100000; touch {tmp_path}/begun; while [ ! -e {tmp_path}/on ]; do sleep 0.05; done; cat; }}'
    program(
        tmp_path / "bin",
        "pg_dump",
        f'#!/bin/bash\nset -o pipefail\n[ "$1" = --version ] && exec /usr/bin/pg_dump --version\n{held}\n',
    )
    data_tasks.environment["PATH"] = f"{tmp_path / 'bin'}:{data_tasks.environment['PATH']}"
    answers: list[Ran] = []
    running = threading.Thread(target=lambda: answers.append(backup(data_tasks, database, bucket.store)))
    running.start()
    wait_for((tmp_path / "begun").exists)
    database.to("postgres").psql(f'DROP DATABASE "{database.name}" WITH (FORCE)')
    (tmp_path / "on").touch()
    running.join()
    assert answers[0].failed and "pg_dump ended with code 1" in answers[0].result["msg"]
    nothing_is_left(bucket, database)


@pytest.mark.parametrize("times", [2, soak(20)])
def test_killed_at_any_moment_it_is_whole_or_not_there(
    times: int, data_tasks: Tasks, filled: Database, bucket: Bucket
) -> None:
    drawn = random.Random(time.time())
    for _round in range(times):
        running = data_tasks.start({"runbook.release.pg_backup": {**filled.login, **bucket.store}})
        with contextlib.suppress(subprocess.TimeoutExpired):
            running.wait(drawn.uniform(0.8, 2.2))
        kill(running)
        wait_for_none(filled.sessions)
    assert not backup(data_tasks, filled, bucket.store).failed
    for found in listed(data_tasks, bucket.store):
        assert (
            found["damage"] == [] and not drill(data_tasks, filled, bucket.store, backup=found["id"]).failed
        )


def swap_dump(bucket: Bucket, victim: str, other: str) -> None:
    """The dump of another backup in place of this one's,
    with sizes and hashes that fit: only a restore can tell.
    """
    client = bucket.client()
    manifests = {
        name: json.loads(client.get_object(Bucket=bucket.name, Key=f"{name}/manifest.json")["Body"].read())
        for name in (victim, other)
    }
    data = client.get_object(Bucket=bucket.name, Key=f"{other}/database.dump.zst")["Body"].read()
    client.put_object(Bucket=bucket.name, Key=f"{victim}/database.dump.zst", Body=data)
    forged = {**manifests[victim], "dump": manifests[other]["dump"]}
    client.put_object(Bucket=bucket.name, Key=f"{victim}/manifest.json", Body=json.dumps(forged).encode())


LOSSES = {
    "one row is missing": (
        "DELETE FROM ledger WHERE id = 77",
        "public.ledger: has 3999 rows, the backup's snapshot had 4000",
    ),
    "one row is changed": (
        "UPDATE wallets SET balance = balance + 0.00000001 WHERE id = 5",
        "public.wallets: has as many rows as the backup's snapshot (600), but their content differs",
    ),
    "one table is missing": ("DROP TABLE audit_later", "public.audit_later: the table is missing"),
    "an index is missing": ("DROP INDEX orders_user", "indexes, the backup's snapshot had"),
}


@pytest.mark.parametrize("loss", split(LOSSES, {"one row is changed", "an index is missing"}))
def test_a_drill_finds_what_a_dump_lacks(
    loss: str, data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    change, reason = LOSSES[loss]
    database.fill(2000)
    whole = backup(data_tasks, database, bucket.store).result["backup"]["id"]
    database.psql(change)
    lacking = backup(data_tasks, database, bucket.store).result["backup"]["id"]
    swap_dump(bucket, whole, lacking)
    ran = drill(data_tasks, database, bucket.store, backup=whole)
    assert ran.failed and reason in ran.result["msg"], ran.result
    assert scratches(database) == [] and not any(
        found["verified"] for found in listed(data_tasks, bucket.store)
    )


def test_a_drill_finds_an_index_that_is_invalid(
    data_tasks: Tasks, database: Database, bucket: Bucket
) -> None:
    database.fill(2000)
    doubled = subprocess.run(
        ["psql", "-Xqc", "CREATE UNIQUE INDEX CONCURRENTLY orders_market ON orders (market)"],
        env={**os.environ, **database.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert "could not create unique index" in doubled.stderr
    assert not backup(data_tasks, database, bucket.store).failed
    ran = drill(data_tasks, database, bucket.store)
    assert (
        ran.failed
        and "orders_market: the index was invalid when the backup was taken" in ran.result["msg"]
        and scratches(database) == []
    )


def test_an_object_that_was_overwritten_or_cut_off_is_found(
    data_tasks: Tasks, small: Database, bucket: Bucket
) -> None:
    taken = backup(data_tasks, small, bucket.store).result["backup"]["id"]
    assert not drill(data_tasks, small, bucket.store).failed
    client, key = bucket.client(), f"{taken}/database.dump.zst"
    data = client.get_object(Bucket=bucket.name, Key=key)["Body"].read()
    for at in (len(data) // 2, len(data) - 3):
        client.put_object(
            Bucket=bucket.name, Key=key, Body=data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        )
        assert not listed(data_tasks, bucket.store)[0]["verified"]  # what was proven is not what is there now
        ran = drill(data_tasks, small, bucket.store)
        assert ran.failed and "is not what was backed up" in ran.result["msg"] and scratches(small) == [], (
            ran.result
        )
    client.put_object(Bucket=bucket.name, Key=key, Body=data[:-100])
    ran = drill(data_tasks, small, bucket.store)
    assert (
        ran.failed
        and f"database.dump.zst has {len(data) - 100} bytes, {len(data)} were written" in ran.result["msg"]
    )


def keypair(folder: Path, name: str) -> tuple[str, Path]:
    identity = folder / name
    made = subprocess.run(["age-keygen", "-o", identity], capture_output=True, text=True, check=True)
    return made.stderr.split()[-1], identity


def test_an_encrypted_backup_opens_with_its_own_key_only(
    data_tasks: Tasks, database: Database, bucket: Bucket, tmp_path: Path
) -> None:
    database.fill(2000)
    recipient, identity = keypair(tmp_path, "key.txt")
    _other, wrong = keypair(tmp_path, "wrong.txt")
    taken = backup(data_tasks, database, bucket.store, encryption="age", recipients=[recipient]).result[
        "backup"
    ]
    assert sorted(key.rsplit("/", 1)[1] for key in bucket.names()) == [
        "database.dump.zst.age",
        "globals.sql.zst.age",
        "manifest.json",
    ]
    assert (
        bucket.client()
        .get_object(Bucket=bucket.name, Key=f"{taken['id']}/database.dump.zst.age")["Body"]
        .read(21)
        == b"age-encryption.org/v1"
    )
    without = drill(data_tasks, database, bucket.store)
    assert without.failed and "identity: is missing" in without.result["msg"]
    failed = drill(data_tasks, database, bucket.store, identity=str(wrong))
    assert failed.failed and "age ended with code 1" in failed.result["msg"] and scratches(database) == []
    assert not drill(data_tasks, database, bucket.store, identity=str(identity)).failed
    assert identity.read_text().split()[-1] not in failed.full_output


def test_a_backup_encrypted_with_gpg(
    data_tasks: Tasks, database: Database, bucket: Bucket, tmp_path: Path
) -> None:
    database.fill(2000)
    home = tmp_path / "gpg"
    home.mkdir(mode=0o700)
    data_tasks.environment["GNUPGHOME"] = str(home)
    made = [
        "gpg",
        "--homedir",
        str(home),
        "--batch",
        "--passphrase",
        "",
        "--quick-generate-key",
        "backup@example.com",
        "default",
        "default",
        "never",
    ]
    subprocess.run(made, capture_output=True, check=True)
    try:
        assert not backup(
            data_tasks, database, bucket.store, encryption="gpg", recipients=["backup@example.com"]
        ).failed
        assert not drill(data_tasks, database, bucket.store, identity=str(home)).failed
    finally:
        subprocess.run(["gpgconf", "--homedir", str(home), "--kill", "all"], check=False)


def test_a_drill_that_is_killed_leaves_a_copy_that_the_next_one_takes_away(
    data_tasks: Tasks, filled: Database, bucket: Bucket
) -> None:
    backup(data_tasks, filled, bucket.store)
    running = data_tasks.start({"runbook.release.pg_restore_drill": {**filled.login, **bucket.store}})
    wait_for(lambda: scratches(filled) != [])
    (left,) = scratches(filled)
    kill(running)
    wait_for_none(filled.sessions)
    assert scratches(filled) == [left]
    ran = drill(data_tasks, filled, bucket.store)
    assert (
        not ran.failed
        and f"{left}: dropped; left behind by a run that was killed" in ran.err
        and scratches(filled) == []
    )


def test_a_copy_may_be_kept_for_a_rehearsal_and_goes_when_asked_to(
    data_tasks: Tasks, small: Database, bucket: Bucket
) -> None:
    backup(data_tasks, small, bucket.store)
    kept = drill(data_tasks, small, bucket.store, keep=600).result["scratch"]
    assert scratches(small) == [kept] and small.to(kept).psql("SELECT count(*) FROM orders") == "2000"
    assert not drill(data_tasks, small, bucket.store).failed and scratches(small) == [kept]
    refused = drill(data_tasks, small, bucket.store, state="absent", scratch=small.name)
    assert (
        refused.failed and "which no drill created" in refused.result["msg"] and small.name in small.names()
    )
    gone, again = (
        drill(data_tasks, small, bucket.store, state="absent", scratch=kept),
        drill(data_tasks, small, bucket.store, state="absent", scratch=kept),
    )
    assert gone.result["changed"] and not again.result["changed"] and scratches(small) == []


def test_the_password_and_the_keys_are_nowhere(data_tasks: Tasks, small: Database, bucket: Bucket) -> None:
    options = {**small.login, **bucket.store}
    with command_lines() as seen:
        ran = data_tasks.run(
            {"runbook.release.pg_backup": options},
            {"runbook.release.pg_restore_drill": options},
            more=["-vvv"],
        )
    assert not any(result["failed"] for result in ran.results)
    assert any("pg_dump" in line for line in seen) and any("pg_restore" in line for line in seen)
    stored = b"".join(
        bucket.client().get_object(Bucket=bucket.name, Key=key)["Body"].read()
        for key in bucket.names()
        if key.endswith(".json")
    )
    for secret in (small.password, bucket.secret_key):
        assert secret not in ran.full_output
        assert secret.encode() not in stored and not any(secret in line for line in seen)


def test_two_at_once_and_one_waits_for_the_other_or_says_who_is_there(
    data_tasks: Tasks, small: Database, bucket: Bucket, tmp_path: Path
) -> None:
    with open(tmp_path / "out", "w") as out:
        holder = subprocess.Popen(
            ["psql", "-Xq"],
            stdin=subprocess.PIPE,
            stdout=out,
            env={
                **os.environ,
                **small.environment,
                "PGAPPNAME": "runbook.release migrate 2.4.0 deploy@runner-7",
            },
            text=True,
        )
        assert holder.stdin
        import hashlib

        number = int.from_bytes(hashlib.sha256(b"runbook.release:database").digest()[:8], "big") >> 1
        holder.stdin.write(f"SELECT pg_advisory_lock({number});\n")
        holder.stdin.flush()
        wait_for(
            lambda: small.psql("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted") != "0"
        )
        ran = backup(data_tasks, small, bucket.store, lock_wait_timeout=1)
        assert (
            ran.failed and "runbook.release migrate 2.4.0 deploy@runner-7 from 127.0.0.1" in ran.result["msg"]
        )
        assert bucket.names() == []
        waiting = data_tasks.start(
            {"runbook.release.pg_backup": {**small.login, **bucket.store, "lock_wait_timeout": 30}}
        )
        assert waiting.stderr and any(
            "waiting for the lock of the database" in line for line in waiting.stderr
        )
        holder.stdin.close()
        waiting.communicate()
        assert waiting.returncode == 0 and bucket.names() != []
        holder.wait()


def test_it_works_as_an_ordinary_module_too(data_tasks: Tasks, small: Database, bucket: Bucket) -> None:
    ran = data_tasks.run(
        {
            "runbook.release.pg_backup": {**small.login, **bucket.store},
            "become": True,
            "vars": {"ansible_python_interpreter": "{{ ansible_playbook_python }}"},
        },
        more=["-vvv"],
    )
    assert (
        not ran.failed
        and ran.result["backup"]["rows"] > 0
        and small.password not in ran.full_output
        and bucket.secret_key not in ran.full_output
    )


def test_the_examples_run(data_tasks: Tasks, database: Database, bucket: Bucket, tmp_path: Path) -> None:
    database.fill(2000)
    recipient, _identity = keypair(tmp_path, "key.txt")
    names = {
        "login_host: db.example.com": f"login_host: 127.0.0.1\n    login_port: {database.port}",
        "login_user: backup": f"login_user: {database.user}",
        "database: exchange": f"database: {database.name}",
        "bucket: exchange-backups": f"bucket: {bucket.name}",
        "region: eu-central-1": "region: us-east-1",
        "/var/backups/postgresql": str(tmp_path / "backups"),
        "age1mnex3fvyugqnzjpux8uzupfs9ju4h9rd7trs52wwxl9rpkhaff9qczs2nx": recipient,
    }
    aws = {
        "AWS_ENDPOINT_URL": bucket.url,
        "AWS_ACCESS_KEY_ID": bucket.access_key,
        "AWS_SECRET_ACCESS_KEY": bucket.secret_key,
    }
    tasks = [example for module in BACKUP for example in examples(module, names)]
    data_tasks.environment.update(aws)
    done = data_tasks.run_plain(tasks, database_password=database.password)
    assert done.rc == 0, done.output
    assert (
        database.psql("SELECT count(*) FROM orders") == "2000"
        and len(list((tmp_path / "backups").rglob("manifest.json"))) == 1
    )
