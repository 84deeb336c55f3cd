# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Configuration that belongs to a release: ConfigMaps and Secrets
whose content rolls, and rolls back, with the workload that reads them.

The hash of the content stands in the pod template, so new content makes new pods. Before that patch
the content is kept as an immutable copy, NAME-HASH, so that a later release can be rolled back to it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import typing as t

from ..._common.errors import Conflict, NotFound, ReleaseError
from ..api.port import MERGE, KubeApi, Object, config_maps, secrets

COPY_OF = "runbook.release/config"
PATHS: dict[str, t.Callable[[str], str]] = {"ConfigMap": config_maps, "Secret": secrets}
_CONTENT = ("data", "binaryData")


def read(api: KubeApi, namespace: str, names: t.Iterable[str]) -> tuple[dict[str, Object], list[str]]:
    """The objects by KIND/NAME, and what is wrong with the names."""
    objects: dict[str, Object] = {}
    problems = []
    for name in dict.fromkeys(names):
        kind, _slash, own = name.partition("/")
        if kind not in PATHS or not own:
            problems.append(f"config: found {name!r}; allowed: ConfigMap/NAME or Secret/NAME")
            continue
        try:
            objects[name] = api.get(f"{PATHS[kind](namespace)}/{own}")
        except NotFound:
            problems.append(f"config: there is no {kind} named {own} in namespace {namespace}")
    return objects, problems


def text(objects: t.Mapping[str, Object], names: t.Iterable[str]) -> str:
    """What stands in the pod template: names with the hashes of their content."""
    return ",".join(f"{name}={_hash(objects[name])}" for name in sorted(set(names)))


def keep(api: KubeApi, namespace: str, objects: t.Mapping[str, Object]) -> None:
    """Copies the content under a name with its hash; a copy that exists already has this very content."""
    for name, obj in objects.items():
        kind, _slash, own = name.partition("/")
        copy: Object = {
            "apiVersion": "v1",
            "kind": kind,
            "metadata": {"name": f"{own}-{_hash(obj)}", "labels": {COPY_OF: own}},
            "immutable": True,
        }
        copy.update({key: obj[key] for key in (*_CONTENT, "type") if obj.get(key)})
        with contextlib.suppress(Conflict):
            api.post(PATHS[kind](namespace), copy)


def copies(hashes: str | None) -> set[tuple[str, str]]:
    """Kind and name of the copies that hold what :func:`text` wrote."""
    return {
        (name.partition("/")[0], f"{name.partition('/')[2]}-{content}")
        for name, content in _hashes(hashes).items()
    }


def is_copy(obj: Object) -> bool:
    """Whether :func:`keep` made it, and nobody has changed it since: its name has the hash of its content."""
    own = (obj["metadata"].get("labels") or {}).get(COPY_OF)
    return bool(obj.get("immutable")) and obj["metadata"]["name"] == f"{own}-{_hash(obj)}"


def restore(
    api: KubeApi, namespace: str, before: str | None, now: str | None, say: t.Callable[[str], None]
) -> None:
    """Gives ConfigMaps and Secrets the content back that the pods of
    ``before`` were started with; both as :func:`text` wrote them.
    """
    kept = _hashes(before)
    for name in _hashes(now):
        kind, _slash, own = name.partition("/")
        if name not in kept:
            say(f"{name} is left unchanged: its previous content was not recorded")
            continue
        live = api.get(f"{PATHS[kind](namespace)}/{own}")
        if _hash(live) == kept[name]:
            continue
        try:
            copy = api.get(f"{PATHS[kind](namespace)}/{own}-{kept[name]}")
        except NotFound as exc:
            raise ReleaseError(
                f"{name} cannot get back what it held before: its copy {own}-{kept[name]} is gone.",
                then="restore its content by hand, then run the rollback again",
            ) from exc
        body = {
            key: {**dict.fromkeys(live.get(key) or {}), **(copy.get(key) or {})}
            for key in _CONTENT
            if live.get(key) or copy.get(key)
        }
        api.patch(f"{PATHS[kind](namespace)}/{own}", body, MERGE)
        say(f"{name}: back to what it held before")


def _hashes(hashes: str | None) -> dict[str, str]:
    return dict(part.partition("=")[::2] for part in (hashes or "").split(",") if part)


def _hash(obj: Object) -> str:
    return hashlib.sha256(
        json.dumps([obj.get(key) or {} for key in _CONTENT], sort_keys=True).encode()
    ).hexdigest()[:16]
