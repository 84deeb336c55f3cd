# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import (
    Gone,
    NotFound,
    ReleaseError,
    Unavailable,
)
from ansible_collections.runbook.release.plugins.module_utils._common.operation import Clock
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.port import SYNC
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api.watch import Following

END = ("MODIFIED", {"metadata": {"name": "end", "resourceVersion": "999"}})


class Server:
    """Answers every watch with the next script: events, an error to raise, and then the watch ends."""

    def __init__(self, *scripts):
        self.scripts, self.asked, self.lists = list(scripts), [], 0

    def get(self, path):
        self.lists += 1
        return {"metadata": {"resourceVersion": "100"}, "items": []}

    def watch(self, path, version, seconds):
        self.asked.append(version)
        told = bool(self.scripts)
        for step in self.scripts.pop(0) if told else ():
            if isinstance(step, Exception):
                raise step
            yield step
        if not told:
            yield END


def change(version, kind="MODIFIED"):
    return kind, {"metadata": {"name": f"at-{version}", "resourceVersion": version}}


def names(server, version=""):
    """The names of the objects told of until the script is at its end; a list is told as SYNC."""
    told = []
    for event in Following(server, {"/pods": version}, Clock(sleep=lambda seconds: None)):
        if event.type == SYNC:
            told.append(SYNC)
        elif event.path:
            if event.object["metadata"]["name"] == "end":
                return told
            told.append(event.object["metadata"]["name"])
    raise AssertionError("the script did not come to its end")


def test_a_watch_that_ends_is_taken_up_from_the_last_version_seen():
    server = Server([change("5"), change("6", "BOOKMARK")], [change("7")], [END])
    assert names(server, "4") == ["at-5", "at-7"]
    assert server.asked == ["4", "6", "7"] and server.lists == 0


def test_without_a_version_it_begins_with_a_list():
    server = Server([END])
    assert names(server) == [SYNC] and server.asked == ["100"]


def test_a_version_that_is_too_old_leads_to_a_new_list():
    server = Server([change("5")], [Gone("too old")], [END])
    assert names(server, "4") == ["at-5", SYNC] and server.asked == ["4", "5", "100"]


def test_a_server_that_is_away_for_a_moment_is_asked_again():
    assert names(Server([Unavailable("restarting")], [Unavailable("restarting")], [END]), "4") == []


def test_a_server_that_stays_away_ends_the_wait():
    now = [0.0]
    server = Server(*[[Unavailable("The API server does not answer.")] for attempt in range(1000)])

    def sleep(seconds):
        now[0] += 10

    with pytest.raises(Unavailable, match="does not answer"):
        list(Following(server, {"/pods": "4"}, Clock(now=lambda: now[0], sleep=sleep)))
    assert len(server.asked) < 20


def test_a_refusal_and_a_surprise_end_it_too():
    with pytest.raises(NotFound, match="no such namespace"):
        names(Server([NotFound("no such namespace")]), "4")
    with pytest.raises(ReleaseError, match=r"Watching /pods failed") as caught:
        names(Server([KeyError("metadata")]), "4")
    assert "KeyError" in str(caught.value)
