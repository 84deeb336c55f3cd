# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t

from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import SYNC, Event, Object
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.watching.live_objects import (
    LiveObjects,
    Update,
)

PATH, PODS = "/apis/apps/v1/namespaces/x/deployments", "/api/v1/namespaces/x/pods"


def item(name: str, version: int, uid: str = "", **more: t.Any) -> Object:
    return {"metadata": {"name": name, "uid": uid or f"uid-{name}", "resourceVersion": str(version)}, **more}


def live() -> LiveObjects:
    known = LiveObjects()
    known.add(PATH, item("auth", 5, kind="Deployment"))
    return known


def take(known: LiveObjects, kind: str, obj: Object, path: str = PATH) -> list[Update]:
    return list(known.take(Event(path, kind, obj)))


def test_a_newer_state_replaces_the_known_one_and_keeps_its_kind() -> None:
    known = live()
    (update,) = take(known, "MODIFIED", item("auth", 6))
    assert not update.is_gone and known.objects[PATH, "auth"] == item("auth", 6, kind="Deployment")


def test_what_was_written_before_our_own_write_is_not_news() -> None:
    known = live()
    assert take(known, "MODIFIED", item("auth", 4)) == []
    assert known.objects[PATH, "auth"]["metadata"]["resourceVersion"] == "5"


def test_the_end_of_an_object_that_had_the_name_before_is_not_news() -> None:
    known = live()
    assert take(known, "DELETED", item("auth", 4, uid="before")) == []
    assert known.objects[PATH, "auth"]["metadata"]["uid"] == "uid-auth"


def test_objects_that_nobody_waits_for_are_left_out() -> None:
    assert take(live(), "MODIFIED", item("wallet", 9)) == []


def test_a_deletion_and_another_one_of_the_name_are_told_apart() -> None:
    (deleted,) = take(live(), "DELETED", item("auth", 6))
    (replaced,) = take(live(), "MODIFIED", item("auth", 6, uid="another"))
    assert (deleted.is_gone, deleted.is_replaced) == (True, False)
    assert (replaced.is_gone, replaced.is_replaced) == (True, True)


def test_a_fresh_list_says_what_was_deleted_while_nobody_watched() -> None:
    known = live()
    (update,) = take(known, SYNC, {"items": [item("wallet", 7)]})
    assert update.is_gone and known.objects == {}


def test_a_whole_collection_is_known_by_uid_and_a_fresh_list_replaces_it() -> None:
    known = LiveObjects()
    known.add_collection(PODS)
    take(known, "ADDED", item("ledger-0", 1, uid="a"), PODS)
    take(known, "ADDED", item("ledger-0", 2, uid="b"), PODS)
    assert len(known.in_collection(PODS)) == 2
    updates = take(known, SYNC, {"items": [item("ledger-0", 2, uid="b")]}, PODS)
    assert [(update.where[1], update.is_gone) for update in updates] == [("a", True), ("b", False)]
    take(known, "DELETED", item("ledger-0", 3, uid="b"), PODS)
    assert known.in_collection(PODS) == []
