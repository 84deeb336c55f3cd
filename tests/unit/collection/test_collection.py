# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection agrees with itself. Written over what is in
the tree, so that a new plugin or role is covered as it comes.
"""

from __future__ import annotations

import importlib
import re
import typing as t

import pytest
import yaml

from tests.unit.collection import _docs, _examples, _roles

ROOT = _docs.ROOT


@pytest.fixture(scope="module")
def documentation() -> dict[str, dict[str, t.Any]]:
    return _docs.documentation()


def options_of_modules(documentation: dict[str, dict[str, t.Any]]) -> dict[str, t.Any]:
    return {name: plugin["doc"].get("options") or {} for name, plugin in documentation["module"].items()}


def test_every_plugin_has_documentation(documentation: dict[str, dict[str, t.Any]]) -> None:
    folders = {
        "module": "modules",
        "filter": "filter",
        "lookup": "lookup",
        "callback": "callback",
        "test": "test",
    }
    for kind, folder in folders.items():
        documented = {
            name.rsplit(".", 1)[1] for name, plugin in documentation[kind].items() if plugin.get("doc")
        }
        assert sorted(documented) == _docs.plugins(folder), kind


def test_documentation_and_argument_specs_agree(documentation: dict[str, dict[str, t.Any]]) -> None:
    documented = options_of_modules(documentation)
    problems = []
    for module in _docs.plugins("modules"):
        problems += _docs.disagreements(
            module, documented[f"{_docs.NAME}.{module}"], _docs.argument_spec(module)
        )
    assert problems == []


def test_actions_take_what_their_modules_take() -> None:
    for name in _docs.plugins("action"):
        action = importlib.import_module(
            f"ansible_collections.{_docs.NAME}.plugins.action.{name}"
        ).ActionModule
        assert action.operation.argument_spec == _docs.argument_spec(name), name


def test_every_doc_fragment_is_used() -> None:
    fragments = {
        f"{_docs.NAME}.{file.stem}" for file in (ROOT / "plugins" / "doc_fragments").glob("*.py")
    } - {f"{_docs.NAME}.__init__"}
    sources = "\n".join(
        file.read_text() for file in (ROOT / "plugins").rglob("*.py") if file.parent.name != "doc_fragments"
    )
    assert {name for name in fragments if not re.search(rf"{re.escape(name)}\b", sources)} == set()


def test_every_module_is_in_the_action_group_release_and_in_those_of_its_options() -> None:
    groups = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())["action_groups"]
    assert groups.pop("release") == _docs.plugins("modules")
    sources = {
        name: (ROOT / "plugins" / "modules" / f"{name}.py").read_text() for name in _docs.plugins("modules")
    }
    shared = {"aws", "backup_store", "kubernetes", "pgbackrest", "postgresql"}
    assert groups == {
        group: [name for name, source in sources.items() if f"- {_docs.NAME}._{group}\n" in source]
        for group in shared
    }


def test_the_readme_tells_of_every_module_in_its_own_words(
    documentation: dict[str, dict[str, t.Any]],
) -> None:
    rows = dict(re.findall(r"^\| `(\w+)` \| (.+) \|$", (ROOT / "README.md").read_text(), re.M))
    assert rows == {
        name.rsplit(".", 1)[1]: plugin["doc"]["short_description"]
        for name, plugin in documentation["module"].items()
    }


def test_examples_parse_and_name_only_what_exists(documentation: dict[str, dict[str, t.Any]]) -> None:
    modules = options_of_modules(documentation)
    others = {name for kind in documentation.values() for name in kind}
    others |= {
        f"{_docs.NAME}.{path.stem}"
        for folder in ("roles", "playbooks")
        for path in (ROOT / folder).glob("[!_.]*")
    }
    # The action group, as module_defaults names it.
    others.add(f"{_docs.NAME}.release")
    problems = []
    for kind in documentation.values():
        for name, plugin in kind.items():
            problems += _examples.problems(name, plugin.get("examples") or "", modules, others)
    assert problems == []


def test_defaults_and_argument_specs_of_roles_agree() -> None:
    assert [
        problem for role in sorted((ROOT / "roles").glob("*/")) for problem in _roles.problems(role)
    ] == []


def test_lock_files_hold_hashes_and_no_addresses() -> None:
    for lock in sorted((ROOT / "requirements").glob("*.txt")):
        text = lock.read_text()
        assert "://" not in text and "--index" not in text and "--find-links" not in text, lock.name
        assert len(re.findall(r"^[a-z0-9].*==", text, re.M)) == len(
            re.findall(r"\\\n +--hash=sha256:[0-9a-f]{64}(?! \\\n +--hash).*", text)
        ), lock.name
