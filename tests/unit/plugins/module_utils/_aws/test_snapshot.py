# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import datetime
import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._aws import snapshot as operation
from ansible_collections.runbook.release.plugins.module_utils._aws.snapshot import OPERATION as SNAPSHOT
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError, ReleaseError
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock, Context
from ansible_collections.runbook.release.plugins.module_utils._common.options import out_of_bounds

PARAMS = {name: option.get("default") for name, option in SNAPSHOT.argument_spec.items()}
NOW = 1_000_000.0


def snapshot(
    name: t.Any,
    age: int = 100,
    status: str = "available",
    keep_until: t.Any = None,
    kind: str = "manual",
    release: t.Any = None,
) -> t.Any:
    tags = {
        operation.KIND: kind,
        operation.RELEASE: release,
        operation.KEEP_UNTIL: str(keep_until) if keep_until else None,
    }
    created = None if status == "creating" else datetime.datetime.fromtimestamp(NOW - age, tz=datetime.UTC)
    return {
        "DBSnapshotIdentifier": name,
        "SnapshotCreateTime": created,
        "Status": status,
        "Tags": {key: value for key, value in tags.items() if value},
    }


class Rds:
    def __init__(
        self, *there: t.Any, status: str = "available", ends: str = "available", polls: int = 2
    ) -> None:
        self.there, self.state, self.ends, self.polls, self.did = (
            {entry["DBSnapshotIdentifier"]: entry for entry in there},
            status,
            ends,
            polls,
            list[str](),
        )

    def status(self, instance: t.Any) -> t.Any:
        return self.state

    def snapshots(self, instance: t.Any) -> t.Any:
        return list(self.there.values())

    def snapshot(self, name: t.Any) -> t.Any:
        entry = self.there[name]
        self.polls -= 1
        if self.polls <= 0 and entry["Status"] == "creating":
            entry.update(
                Status=self.ends, SnapshotCreateTime=datetime.datetime.fromtimestamp(NOW, tz=datetime.UTC)
            )
        return {**entry, "PercentProgress": 50}

    def create(self, instance: t.Any, name: t.Any, tags: t.Any) -> None:
        self.did.append(f"create {name}")
        self.there[name] = {**snapshot(name, status="creating"), "Tags": tags}

    def delete(self, name: t.Any) -> None:
        self.did.append(f"delete {name}")
        del self.there[name]


def taken(rds: t.Any, check_mode: bool = False, **given: t.Any) -> t.Any:
    lines, time = list[str](), [0.0]
    clock = Clock(lambda: time[0], lambda seconds: time.__setitem__(0, time[0] + seconds), lambda: NOW)
    params = {**PARAMS, "instance": "exchange", **given}
    return operation.run(rds, Context(params, check_mode, lines.append, clock)), lines


def test_a_snapshot_is_taken_waited_for_and_tagged() -> None:
    rds = Rds()
    result, lines = taken(rds, kind="release", release="2.4.0", keep_days=30, tags={"team": "core"})
    name = "exchange-release-19700112t134640z"
    assert (
        rds.did == [f"create {name}"]
        and result.changed
        and lines == [f"exchange: snapshot {name}", f"{name}: 50 %"]
    )
    assert rds.there[name]["Tags"] == {
        "team": "core",
        operation.KIND: "release",
        operation.RELEASE: "2.4.0",
        operation.KEEP_UNTIL: "3592000",
    }
    assert result.values["snapshot"]["days_left"] == 30.0 and result.after == {"snapshots": [name]}


@pytest.mark.parametrize(
    ("there", "given", "made"),
    [
        (snapshot("a", 600), {"reuse_within": 600}, False),
        (snapshot("a", 601), {"reuse_within": 600}, True),
        (snapshot("a", 1), {"reuse_within": 600, "release": "2.4.0"}, True),
        (snapshot("a", 1, kind="daily"), {"reuse_within": 600}, True),
        (snapshot("a", 1, status="failed"), {"reuse_within": 600}, True),
        (snapshot("a", status="creating"), {}, False),
    ],
)
def test_what_is_there_or_on_its_way_is_not_taken_again(there: t.Any, given: t.Any, made: t.Any) -> None:
    rds = Rds(there)
    assert taken(rds, check_mode=True, **given)[0].changed == made
    result, lines = taken(rds, **given)
    assert (
        result.changed == made
        and bool(rds.did) == made
        and result.values["snapshot"]["status"] == "available"
    )


def test_those_whose_time_is_over_go_once_the_new_one_is_there_and_the_newest_stays() -> None:
    past = int(NOW) - 1
    foreign = {**snapshot("foreign"), "Tags": {operation.KEEP_UNTIL: str(past)}}
    rds = Rds(
        snapshot("old", 900, keep_until=past),
        snapshot("kept", 800, keep_until=int(NOW) + 9),
        snapshot("forever", 700),
        foreign,
    )
    result, lines = taken(rds)
    assert rds.did[1:] == ["delete old"] and result.values["removed"] == ["old"]
    only = Rds(snapshot("only", 900, keep_until=past))
    taken(only)
    assert only.did[1:] == []


def test_a_snapshot_that_fails_or_does_not_come_removes_nothing() -> None:
    past = int(NOW) - 1
    old = [snapshot("old", 900, keep_until=past), snapshot("older", 950, keep_until=past)]
    for rds, said in (
        (Rds(*old, ends="failed"), "is in state failed"),
        (Rds(*old, polls=99), "was not available after 60 s"),
    ):
        with pytest.raises(ReleaseError, match=said):
            taken(rds, timeout=60)
        assert len(rds.did) == 1 and rds.did[0].startswith("create ")


def test_check_mode_only_looks() -> None:
    rds = Rds(snapshot("old", 900, keep_until=1), snapshot("new", 800))
    result, lines = taken(rds, check_mode=True)
    assert (
        rds.did == []
        and result.changed
        and result.values["removed"] == ["old"]
        and result.values["snapshot"] is None
    )


def test_what_cannot_be_done_is_refused() -> None:
    with pytest.raises(ReleaseError, match="is in state stopped"):
        taken(Rds(status="stopped"))
    with pytest.raises(InputError) as refused:
        taken(Rds(), kind="Pre_Release", instance="-x")
    assert [line.partition(":")[0] for line in refused.value.why] == ["instance", "kind"]
    assert list(out_of_bounds(SNAPSHOT.options, {"keep_days": -1, "reuse_within": -1, "timeout": 0})) == [
        "keep_days: found -1; allowed: 0 to 36500",
        "reuse_within: found -1; allowed: 0 or more",
        "timeout: found 0; allowed: 1 or more",
    ]
