# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
from ansible_collections.runbook.release.plugins.module_utils._common.errors import InputError
from ansible_collections.runbook.release.plugins.module_utils._common.yaml import load


def test_yaml_and_json_are_read(tmp_path: Path) -> None:
    for number, text in enumerate(("kind: Job", '{"kind": "Job"}')):
        (tmp_path / str(number)).write_text(text)
        assert load(str(tmp_path / str(number)), "src") == {"kind": "Job"}


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "cannot be read"), (b"a: [", "is not valid YAML"), (b"\xff\xfe\xfd", "is not valid YAML")],
)
def test_a_file_that_cannot_be_used_is_told_by_the_name_of_the_option(
    tmp_path: Path, content: t.Any, said: t.Any
) -> None:
    path = tmp_path / "job.yml"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(InputError, match=f"src: found {path}, which {said}"):
        load(str(path), "src")
