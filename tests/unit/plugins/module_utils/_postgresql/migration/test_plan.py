# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration import plan
from ansible_collections.runbook.release.plugins.module_utils._postgresql.migration.ledger import prefix

from .migrations import entry, migration, observed

ONE, TWO, THREE = migration("1_one"), migration("2_two"), migration("10_three")
FILES = [ONE, TWO, THREE]
INDEX = migration("3_index", "CREATE TABLE a (b int);\nCREATE INDEX CONCURRENTLY i ON a (b)")


def names(found: t.Any) -> t.Any:
    return [step.name for step in found.steps]


def test_what_is_pending_in_order() -> None:
    seen = observed(FILES, [ONE])
    found = plan.up(seen)
    assert names(found) == ["2_two", "10_three"] and found.problems == [] and found.changes
    assert names(plan.up(seen, to="2_two")) == names(plan.up(seen, count=1)) == ["2_two"]
    assert not plan.up(observed(FILES, FILES)).changes
    with pytest.raises(InputError, match="did you mean 2_two"):
        plan.up(seen, to="2_tow")


def test_an_edited_a_missing_and_a_late_file_are_problems() -> None:
    edited = migration("1_one", "CREATE TABLE other (b int)")
    assert (
        plan.up(observed([edited, TWO, THREE], [edited, TWO], **{"1_one": entry(ONE)}))
        .problems[0]
        .startswith("1_one: was edited after")
    )
    assert plan.up(observed([TWO, THREE], [ONE, TWO])).problems == [
        "1_one: is applied, and its file is missing; are these the files of an older release?"
    ]
    late = plan.up(observed(FILES, [ONE, THREE])).problems
    assert late == ["2_two: comes before 10_three, which is applied already; give it a higher number"]


def test_what_the_engine_applied_before_there_were_checksums_is_written_down() -> None:
    found = plan.up(
        observed(
            FILES, [ONE, TWO, THREE], **{"1_one": None, "2_two": entry(TWO, finished=False, statements=0)}
        )
    )
    assert [one.name for one in found.adopted] == ["1_one", "2_two"] and found.changes and found.steps == []


def test_a_half_applied_file_may_be_mended_behind_what_is_done() -> None:
    done = prefix([INDEX.statements[0].text])
    half = entry(INDEX, finished=False, statements=1, sha256=done)
    mended = migration("3_index", "CREATE TABLE a (b int);\nCREATE INDEX CONCURRENTLY j ON a (b)")
    assert (
        plan.up(observed([INDEX], [], **{"3_index": half})).problems
        == plan.up(observed([mended], [], **{"3_index": half})).problems
        == []
    )
    for wrong in (
        migration("3_index", "CREATE TABLE z (b int);\nCREATE INDEX CONCURRENTLY i ON a (b)"),
        migration("3_index", "CREATE TABLE a (b int)"),
    ):
        assert (
            "3_index: is partly applied (1 statements are done)"
            in plan.up(observed([wrong], [], **{"3_index": half})).problems[0]
        )


def test_back_is_what_the_release_brought_the_last_first() -> None:
    seen = observed(
        FILES, FILES, **{name: entry(one, "2.4.0") for name, one in (("2_two", TWO), ("10_three", THREE))}
    )
    assert names(plan.down(seen, "2.4.0")) == ["10_three", "2_two"]
    assert names(plan.down(seen, "2.5.0")) == []
    assert names(plan.down(seen, "2.4.0", to="1_one")) == ["10_three", "2_two"] and names(
        plan.down(seen, "2.4.0", count=1)
    ) == ["10_three"]
    assert plan.down(seen, "2.3.0").problems == [
        "10_three: was applied after those of release 2.3.0, by another release; revert that one first",
        "2_two: was applied after those of release 2.3.0, by another release; revert that one first",
    ]


def test_back_needs_files_ways_down_and_nothing_half_done() -> None:
    stuck = migration("2_two", down=None)
    found = plan.down(observed([ONE, stuck], [ONE, stuck, THREE]), "2.3.0")
    assert found.problems == [
        "10_three: its file is missing; reverting needs the files of the release that applied it",
        "2_two: has no way down",
    ]
    half = plan.down(
        observed([ONE, INDEX], [ONE], **{"3_index": entry(INDEX, finished=False)}), "2.3.0", count=1
    )
    assert half.problems == ["3_index: is partly applied; finish it with state=up before reverting"]
    assert (
        plan.down(
            observed(FILES, [ONE], **{"2_two": entry(TWO, finished=False, statements=0)}), "2.3.0"
        ).problems
        == []
    )


def test_recording_takes_the_files_as_they_are() -> None:
    seen = observed(FILES, [ONE, TWO], **{"1_one": entry(ONE, sha256="other")})
    assert names(plan.recorded(seen)) == ["1_one", "10_three"] and names(plan.recorded(seen, "2_two")) == [
        "1_one"
    ]
    assert names(plan.recorded(seen, all_of_them=False)) == ["1_one"]
