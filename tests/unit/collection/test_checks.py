# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The checks of test_collection.py find what they are there to find."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml

from tests.unit.collection import _docs, _examples, _roles

SPECS = {
    "main": {
        "options": {
            "verify_timeout": {"type": "int", "default": 30},
            "verify_hosts": {"type": "list", "required": True},
            "release_smoke": {},
        }
    }
}
MODULES: dict[str, t.Any] = {
    "runbook.release.kube_rollout": {
        "namespace": {"type": "str", "required": True},
        "workloads": {
            "type": "list",
            "suboptions": {"name": {"type": "str"}, "image": {"type": "str", "aliases": ["picture"]}},
        },
    }
}


def a_role(folder: Path, defaults: dict[str, t.Any], specs: dict[str, t.Any]) -> Path:
    role = folder / "verify"
    for name, content in (
        ("defaults/main.yml", defaults),
        ("meta/argument_specs.yml", {"argument_specs": specs}),
        ("tasks/main.yml", []),
    ):
        (role / name).parent.mkdir(parents=True, exist_ok=True)
        (role / name).write_text(yaml.safe_dump(content))
    return role


def with_option(**option: t.Any) -> dict[str, t.Any]:
    return {"main": {"options": {"verify_timeout": option}}}


def test_an_agreeing_role_has_no_problems(tmp_path: Path) -> None:
    assert _roles.problems(a_role(tmp_path, {"verify_timeout": 30}, SPECS)) == []


@pytest.mark.parametrize(
    ("defaults", "specs", "problem"),
    [
        (
            {"verify_timeout": 60},
            with_option(default=30),
            "has the default 60 in defaults/main.yml, 30 in the argument spec",
        ),
        (
            {"verify_timeout": 60},
            with_option(type="int"),
            "has the default 60 in defaults/main.yml, none in the argument spec",
        ),
        ({}, with_option(type="int", default=60), "is optional, yet has no default"),
        ({"verify_timeout": 60}, with_option(required=True), "is required, yet has a default"),
        ({"verify_timout": 60}, {"main": {}}, "verify_timout has a default but is in no argument spec"),
        (
            {"release_smoke": []},
            {"main": {"options": {"release_smoke": {}}}},
            "belongs to the whole collection",
        ),
        ({"timeout": 1}, {"main": {"options": {"timeout": {"default": 1}}}}, "begins neither with verify_"),
        ({}, {"main": {}, "extra": {}}, "entry point extra has no tasks/extra.yml"),
        ({}, {}, "has no entry point main"),
    ],
)
def test_a_role_that_disagrees(
    tmp_path: Path, defaults: dict[str, t.Any], specs: dict[str, t.Any], problem: str
) -> None:
    (found,) = _roles.problems(a_role(tmp_path, defaults, specs))
    assert problem in found


def test_a_role_without_argument_specs(tmp_path: Path) -> None:
    assert _roles.problems(tmp_path / "rollout") == ["rollout: has no meta/argument_specs.yml"]


def test_equal_documentation_and_spec() -> None:
    documented = {"wave": {"type": "list", "elements": "dict", "suboptions": {"name": {"required": True}}}}
    taken = {
        "wave": {"type": "list", "elements": "dict", "options": {"name": {"type": "str", "required": True}}}
    }
    assert _docs.disagreements("m", documented, taken) == []


@pytest.mark.parametrize(
    ("documented", "taken", "problem"),
    [
        ({}, {"wave": {}}, "m.wave: in the argument spec, not in the documentation"),
        ({"wave": {}}, {}, "m.wave: in the documentation, not in the argument spec"),
        (
            {"wave": {"default": 1}},
            {"wave": {"default": 2}},
            "m.wave: default is 1 in the documentation, 2 in the argument spec",
        ),
        (
            {"wave": {}},
            {"wave": {"type": "int"}},
            "m.wave: type is 'str' in the documentation, 'int' in the argument spec",
        ),
        (
            {"wave": {"choices": ["a"]}},
            {"wave": {"choices": ["a", "b"]}},
            "m.wave: choices is ['a'] in the documentation",
        ),
        (
            {"wave": {"suboptions": {"name": {}}}},
            {"wave": {"options": {}}},
            "m.wave.name: in the documentation, not in the argument spec",
        ),
    ],
)
def test_documentation_that_disagrees(
    documented: dict[str, t.Any], taken: dict[str, t.Any], problem: str
) -> None:
    (found,) = _docs.disagreements("m", documented, taken)
    assert found.startswith(problem)


def test_a_good_example() -> None:
    text = """
    - name: Roll out
      runbook.release.kube_rollout:
        namespace: exchange
        workloads: [{name: auth, picture: auth:1}]
    - name: Show the waves
      ansible.builtin.debug:
        msg: "{{ services | runbook.release.waves }}"
    """
    assert _examples.problems("here", text, MODULES, {"runbook.release.waves"}) == []


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("- name: [", "does not parse"),
        ("namespace: exchange", "is not a list of tasks or plays"),
        ("- runbook.release.kube_rollout: {namespace: a, wiat: 3}", "has no option wiat"),
        (
            "- block: [{runbook.release.kube_rollout: {namespace: a, workloads: [{nmae: b}]}}]",
            "has no option nmae",
        ),
        ("- hosts: all\n  tasks: [{runbook.release.kube_rollout: {workloads: []}}]", "lacks namespace"),
        ("- runbook.release.kube_rollout: exchange", "are not a dictionary"),
        (
            "- runbook.release.kube_rolout: {namespace: a}",
            "names runbook.release.kube_rolout, which does not exist",
        ),
    ],
)
def test_a_bad_example(text: str, problem: str) -> None:
    (found,) = _examples.problems("here", text, MODULES, set())
    assert problem in found
