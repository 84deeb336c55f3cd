# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Reads manifests: of the task, files, folders, kustomizations.
Reads all of them, and tells all that is wrong with them.
"""

from __future__ import annotations

import json
import os
import shutil
import typing as t

from ..._common.errors import ReleaseError
from ..._common.operation import Command
from .manifests import Document

try:
    import yaml

    HAS_YAML = True
except ImportError:
    HAS_YAML = False

_MANIFESTS = (".yaml", ".yml", ".json")
_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")


def read(
    inline: t.Sequence[t.Any], sources: t.Sequence[str], command: Command, problems: list[str]
) -> list[Document]:
    """All documents with their origin; what cannot be read is appended to ``problems``.

    :param command: runs kubectl, which builds kustomizations.
    """
    if not HAS_YAML:
        raise ReleaseError(
            "The Python package 'PyYAML' is missing where this task runs.",
            then="pip install PyYAML for the Python that runs Ansible",
        )
    # Through JSON: Ansible hands over strings of types of its own, and a manifest is what JSON can say.
    documents = [
        Document(f"manifests[{index}]", json.loads(json.dumps(value))) for index, value in enumerate(inline)
    ]
    for source in sources:
        documents += _source(source, command, problems)
    return documents


def _source(source: str, command: Command, problems: list[str]) -> list[Document]:
    if not os.path.isdir(source):
        return _file(source, problems)
    names = sorted(os.listdir(source))
    if any(name in _KUSTOMIZATIONS for name in names):
        return _kustomized(source, command, problems)
    files = [name for name in names if name.endswith(_MANIFESTS)]
    if not files:
        problems.append(
            f"{source}: holds no manifest; allowed: a folder with a kustomization.yaml, or with *.yaml, *.yml or *.json (folders in it are not read)"
        )
    return [document for name in files for document in _file(os.path.join(source, name), problems)]


def _file(path: str, problems: list[str]) -> list[Document]:
    try:
        with open(path, encoding="utf-8") as file:
            text = file.read()
    except (OSError, UnicodeDecodeError) as exc:
        why = exc.strerror if isinstance(exc, OSError) else "is not UTF-8"
        problems.append(f"{path}: {why}; allowed: a file or folder of manifests")
        return []
    return _documents(path, text, problems)


def _documents(origin: str, text: str, problems: list[str]) -> list[Document]:
    if origin.endswith(".json"):
        try:
            return [Document(origin, json.loads(text))]
        except ValueError as exc:
            problems.append(f"{origin}: is not valid JSON: {exc}")
            return []
    documents = []
    try:
        for number, value in enumerate(yaml.load_all(text, _loader()), start=1):
            documents.append(Document(f"{origin}, document {number}", value))
    except yaml.MarkedYAMLError as exc:
        # Not the whole error: it quotes the line, which may be one of a Secret.
        line = exc.problem_mark.line + 1 if exc.problem_mark else "?"
        problems.append(
            f"{origin}, document {len(documents) + 1}, line {line}: is not valid YAML: {exc.problem}"
        )
    except yaml.YAMLError:
        problems.append(
            f"{origin}, document {len(documents) + 1}: is not valid YAML: a character that YAML does not allow"
        )
    return documents


def _loader() -> t.Any:
    """YAML as kubectl reads it: no dates (they are strings), and a key that occurs twice is a mistake."""
    base: t.Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)

    class Loader(base):
        yaml_implicit_resolvers = {
            first: [pair for pair in pairs if not pair[0].endswith(":timestamp")]
            for first, pairs in base.yaml_implicit_resolvers.items()
        }

        def construct_mapping(self, node: t.Any, deep: bool = False) -> t.Any:
            seen = set()
            for key, _value in node.value:
                if key.value in seen and key.tag.endswith(":str"):
                    raise yaml.constructor.ConstructorError(
                        None, None, f"the key {key.value} is there twice", key.start_mark
                    )
                seen.add(key.value if isinstance(key.value, str) else id(key))
            return super().construct_mapping(node, deep=deep)

    return Loader


def _kustomized(folder: str, command: Command, problems: list[str]) -> list[Document]:
    kubectl = shutil.which("kubectl")
    if not kubectl:
        problems.append(
            f"{folder}: holds a kustomization, and kubectl, which builds it, is not in the PATH; install it, or give the output of 'kubectl kustomize {folder}'"
        )
        return []
    code, built, errors = command([kubectl, "kustomize", folder])
    if code:
        problems.append(f"{folder}: kubectl kustomize: {errors.strip()[:500]}")
        return []
    return _documents(f"kustomization {folder}", built, problems)
