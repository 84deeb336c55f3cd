# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later


from __future__ import annotations

import datetime
import subprocess

import pytest
from ansible_collections.runbook.release.plugins.module_utils._kubernetes.apply import manifest_files as files


def command(arguments):
    done = subprocess.run(arguments, capture_output=True, text=True, check=False)
    return done.returncode, done.stdout, done.stderr


def read(*sources, inline=()):
    problems = []
    return [
        tuple(document)
        for document in files.read(inline, [str(source) for source in sources], command, problems)
    ], problems


def test_files_and_folders_are_read_in_order_with_the_place_of_every_document(tmp_path):
    (tmp_path / "b.yml").write_text("a: 1\n---\n---\nb: 2\n")
    (tmp_path / "a.json").write_text('{"c": 3}')
    (tmp_path / "README.md").write_text("no: [manifest")
    (tmp_path / "deeper").mkdir()
    found, problems = read(tmp_path, tmp_path / "a.json", inline=[{"d": 4}])
    assert problems == []
    assert found == [
        ("manifests[0]", {"d": 4}),
        (f"{tmp_path}/a.json", {"c": 3}),
        (f"{tmp_path}/b.yml, document 1", {"a": 1}),
        (f"{tmp_path}/b.yml, document 2", None),
        (f"{tmp_path}/b.yml, document 3", {"b": 2}),
        (f"{tmp_path}/a.json", {"c": 3}),
    ]


def test_yaml_is_read_as_kubectl_reads_it(tmp_path):
    (tmp_path / "a.yaml").write_text("day: 2026-01-01\nmode: 0644\nbase: &b {x: 1}\nmore: {<<: *b, y: 2}\n")
    ((_origin, value),), _problems = read(tmp_path / "a.yaml")
    assert value == {"day": "2026-01-01", "mode": 0o644, "base": {"x": 1}, "more": {"x": 1, "y": 2}}
    assert not isinstance(value["day"], datetime.date)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        (
            "a.yaml",
            "a: 1\n---\npassword: hunter22: x\n",
            "a.yaml, document 2, line 3: is not valid YAML: mapping values are not allowed",
        ),
        (
            "a.yaml",
            "a: {b: 1, c: 2, b: 3}\n",
            "a.yaml, document 1, line 1: is not valid YAML: the key b is there twice",
        ),
        ("a.yaml", "a: \x07 hunter22\n", "a.yaml, document 1: is not valid YAML: a character"),
        ("a.json", "{hunter22", "a.json: is not valid JSON: Expecting property name"),
    ],
)
def test_what_cannot_be_read_is_told_by_its_line_and_never_quoted(tmp_path, name, text, said):
    (tmp_path / name).write_text(text)
    _found, problems = read(tmp_path / name)
    assert len(problems) == 1 and said in problems[0] and "hunter" not in problems[0]


def test_what_is_not_there_is_told_with_everything_else(tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "latin.yaml").write_bytes(b"a: \xe4\n")
    _found, problems = read(tmp_path / "nowhere", tmp_path / "empty", tmp_path / "latin.yaml")
    assert (
        problems[0]
        == f"{tmp_path}/nowhere: No such file or directory; allowed: a file or folder of manifests"
    )
    assert problems[1].startswith(f"{tmp_path}/empty: holds no manifest") and problems[2].startswith(
        f"{tmp_path}/latin.yaml: is not UTF-8"
    )


def test_a_kustomization_is_built_by_kubectl_or_refused(tmp_path, monkeypatch):
    (tmp_path / "k").mkdir()
    (tmp_path / "k" / "kustomization.yaml").write_text("")
    (tmp_path / "kubectl").write_text('#!/bin/sh\necho "built: $1 $2"\n')
    (tmp_path / "kubectl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/bin:/usr/bin")
    assert read(tmp_path / "k") == (
        [(f"kustomization {tmp_path}/k, document 1", {"built": f"kustomize {tmp_path}/k"})],
        [],
    )
    (tmp_path / "kubectl").write_text("#!/bin/sh\necho 'no such resource' >&2\nexit 1\n")
    assert read(tmp_path / "k")[1] == [f"{tmp_path}/k: kubectl kustomize: no such resource"]
    monkeypatch.setenv("PATH", str(tmp_path / "k"))
    assert "kubectl, which builds it, is not in the PATH" in read(tmp_path / "k")[1][0]
