# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import NotFound, Unavailable
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.api import log_stream


class Server:
    """Answers every request for the log with the next script; the last one again and again."""

    def __init__(self, *scripts):
        self.scripts, self.asked = list(scripts), []

    def lines(self, path):
        self.asked.append(path.partition("sinceTime=")[2])
        script = self.scripts.pop(0) if len(self.scripts) > 1 else self.scripts[0]
        for step in script:
            if isinstance(step, Exception):
                raise step
            yield step


def line(second, fraction, text, zone="Z"):
    return f"2026-11-21T10:00:{second:02}{'.' + fraction if fraction else ''}{zone} {text}"


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr(log_stream, "_PAUSE", 0)


def read(*scripts):
    """All lines, when the container has ended only after the last script was reached."""
    server = Server(*scripts)
    stream = log_stream.LogStream(server, "/log?container=task")
    while len(server.scripts) > 1:
        pass
    stream.end()
    stream.join(5)
    return stream.taken(), server


A, B, C, D = line(1, "1", "a"), line(1, "12", "b"), line(1, "12", "b again"), line(2, "", "d")


def test_a_cut_connection_neither_loses_nor_repeats_a_line():
    lines, server = read([A, B], [A, B, C, Unavailable("cut")], [A, B, C, D])
    assert lines == ["a", "b", "b again", "d"]
    assert server.asked[:2] == ["", "2026-11-21T10%3A00%3A00Z"]  # the API server takes whole seconds


def test_trailing_zeros_that_are_left_out_do_not_change_the_order():
    assert read([A, B, D], [B, D, line(2, "000000001", "e"), line(2, "1", "f")])[0] == [
        "a",
        "b",
        "d",
        "e",
        "f",
    ]


def test_a_line_of_the_other_pipe_may_come_after_a_younger_one():
    late, later = line(1, "11", "standard error"), line(0, "99", "standard error again")
    assert read([A, B, late], [A, B, late, later, D])[0] == [
        "a",
        "b",
        "standard error",
        "standard error again",
        "d",
    ]


def test_the_same_line_twice_is_two_lines_and_old_ones_are_forgotten():
    server = Server([A, A, line(9, "", "z")])
    stream = log_stream.LogStream(server, "/log?container=task")
    stream.end()
    stream.join(5)
    assert stream.taken() == ["a", "a", "z"] and [text for _at, text in stream._had] == [line(9, "", "z")]


def test_a_time_zone_of_the_node_is_sent_back_as_it_came():
    _lines, server = read([line(1, "5", "a", "+02:00")], [line(1, "5", "a", "+02:00")])
    assert server.asked[1] == "2026-11-21T10%3A00%3A00%2B02%3A00"


def test_a_log_that_is_not_there_yet_is_asked_for_again_and_the_kubelets_own_words_are_no_lines():
    assert read(
        [NotFound("not begun")],
        ["unable to retrieve container logs for containerd://6ac8"],
        [A, line(3, "", "")],
    )[0] == ["a", ""]
