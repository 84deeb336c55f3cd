# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""The parts of a workload that a release sets: what is wanted,
what is there, and the patch from one to the other. Pure.

Parts are a flat mapping, so that what is compared, changed, recorded and restored is always the same list:

    ("images", container)                      image ("env", container, name)                   the entry
    without its name ({"value": ...} or {"valueFrom": ...}); None: not there ("resources", container, kind,
    resource)   quantity of "limits" or "requests"; None: not there ("replicas",)
    number ("strategy",)                              the Deployment's strategy ("config",)
    names and hashes of the configuration that the pods were started with; None: never hashed ("template",)
    the whole pod template, where a rollback goes to an older revision

Only what the user names is in it: everything else on the workload belongs to somebody else.
"""

from __future__ import annotations

import decimal
import typing as t

from ..api.port import Object
from .pod_spec import containers

Parts = dict[tuple[str, ...], t.Any]

CONFIG = "runbook.release/config-hash"
# How many names stand between the word and the value.
_DEPTH = {"images": 1, "env": 2, "resources": 3, "replicas": 0, "strategy": 0, "config": 0, "template": 0}
_SUFFIXES = {
    "n": "1e-9",
    "u": "1e-6",
    "m": "1e-3",
    "": "1",
    "k": "1e3",
    "M": "1e6",
    "G": "1e9",
    "T": "1e12",
    "P": "1e15",
    "E": "1e18",
}
_BINARY = ("Ki", "Mi", "Gi", "Ti", "Pi", "Ei")


def flat(nested: t.Mapping[str, t.Any]) -> Parts:
    """Parts of what :func:`nested` gives; other keys are left out."""
    found: Parts = {}

    def walk(path: tuple[str, ...], value: t.Any, depth: int) -> None:
        if depth == 0:
            found[path] = value
            return
        for name, inner in (value or {}).items():
            walk((*path, name), inner, depth - 1)

    for word, depth in _DEPTH.items():
        if word in nested:
            walk((word,), nested[word], depth)
    return found


def nested(parts: Parts) -> dict[str, t.Any]:
    """As it stands in results, in the record and in the
    baseline: ``{"images": {"wallet": ...}, "replicas": 3}``.
    """
    found: dict[str, t.Any] = {}
    for path, value in parts.items():
        into = found
        for name in path[:-1]:
            into = into.setdefault(name, {})
        into[path[-1]] = value
    return found


def wanted(workload: t.Mapping[str, t.Any]) -> Parts:
    """What the user wants of one workload, in the shape of the API server."""
    parts = flat({word: workload.get(word) for word in ("images", "env", "resources") if workload.get(word)})
    for path, value in parts.items():
        if path[0] == "env" and value is not None and not isinstance(value, dict):
            parts[path] = {"value": str(value).lower() if isinstance(value, bool) else str(value)}
        elif path[0] == "resources" and value is not None:
            parts[path] = str(value)
    if workload.get("replicas") is not None:
        parts[("replicas",)] = workload["replicas"]
    if workload.get("config_text"):
        parts[("config",)] = workload["config_text"]
    if workload.get("strategy") == "recreate":
        parts[("strategy",)] = {"type": "Recreate"}
    elif workload.get("strategy") == "rolling":
        parts[("strategy",)] = {"type": "RollingUpdate"}
    return parts


def observed(thing: Object, asked: t.Iterable[tuple[str, ...]]) -> Parts:
    """What is there of the parts asked for. Those of a container that is not there are left out."""
    template = thing["spec"]["template"]
    there = {container["name"]: container for container in containers(template)}
    found: Parts = {}
    for path in asked:
        container = there.get(path[1]) if len(path) > 1 else None
        if path[0] == "replicas":
            found[path] = thing["spec"].get("replicas", 1)
        elif path[0] == "strategy":
            found[path] = thing["spec"].get("strategy") or {"type": "RollingUpdate"}
        elif path[0] == "template":
            found[path] = template
        elif path[0] == "config":
            found[path] = (template.get("metadata", {}).get("annotations") or {}).get(CONFIG)
        elif container is None:
            continue
        elif path[0] == "images":
            found[path] = container["image"]
        elif path[0] == "env":
            entry = next((entry for entry in container.get("env") or [] if entry["name"] == path[2]), None)
            found[path] = (
                None
                if entry is None
                else {key: value for key, value in entry.items() if key != "name"} or {"value": ""}
            )
        else:
            found[path] = ((container.get("resources") or {}).get(path[2]) or {}).get(path[3])
    return found


def config_text(parts: Parts) -> str | None:
    """Names and hashes of the configuration, also where a whole pod template is meant."""
    if ("template",) in parts:
        return t.cast(
            "str | None", ((parts[("template",)].get("metadata") or {}).get("annotations") or {}).get(CONFIG)
        )
    return t.cast("str | None", parts.get(("config",)))


def differing(now: Parts, after: Parts) -> list[tuple[str, ...]]:
    return [path for path in after if not _same(path, now.get(path), after[path])]


def of_template(parts: Parts) -> Parts:
    """Without what may change while the pods stay as they are: an autoscaler's replicas, the strategy."""
    return {path: value for path, value in parts.items() if path[0] not in ("replicas", "strategy")}


def body(thing: Object, now: Parts, after: Parts, annotations: t.Mapping[str, str | None]) -> Object:
    """The strategic merge patch: only what changes.

    The UID and version say for which object it was made: one
    that was re-created or written meanwhile is refused (409).
    """
    metadata = {
        "uid": thing["metadata"]["uid"],
        "resourceVersion": thing["metadata"]["resourceVersion"],
        "annotations": dict(annotations),
    }
    spec: Object = {}
    for path in differing(now, after):
        _put(spec, thing, path, now.get(path), after[path])
    return {"metadata": metadata, **({"spec": spec} if spec else {})}


def _put(spec: Object, thing: Object, path: tuple[str, ...], now: t.Any, after: t.Any) -> None:
    if path[0] == "replicas":
        spec["replicas"] = after
    elif path[0] == "strategy":
        # Recreate and the numbers of a rolling update exclude each other.
        spec["strategy"] = {"$patch": "replace", **after}
    elif path[0] == "template":
        spec["template"] = {"$patch": "replace", **after}
    elif path[0] == "config":
        spec.setdefault("template", {}).setdefault("metadata", {})["annotations"] = {CONFIG: after}
    else:
        container = _container(spec.setdefault("template", {}).setdefault("spec", {}), thing, path[1])
        if path[0] == "images":
            container["image"] = after
        elif path[0] == "env":
            # value and valueFrom exclude each other as well; a merge alone would leave both.
            gone = (
                {"$patch": "delete"}
                if after is None
                else {key: None for key in now or {} if key not in after}
            )
            container.setdefault("env", []).append({"name": path[2], **gone, **(after or {})})
        else:
            container.setdefault("resources", {}).setdefault(path[2], {})[path[3]] = after


def _container(pod_spec: Object, thing: Object, name: str) -> Object:
    init = thing["spec"]["template"]["spec"].get("initContainers") or []
    among: list[Object] = pod_spec.setdefault(
        "initContainers" if any(container["name"] == name for container in init) else "containers", []
    )
    for container in among:
        if container["name"] == name:
            return container
    among.append({"name": name})
    return among[-1]


def _same(path: tuple[str, ...], now: t.Any, after: t.Any) -> bool:
    if path[0] == "resources" and now is not None and after is not None:
        return _quantity(now) == _quantity(after)
    if path[0] in ("strategy", "env") and now is not None and after is not None:
        return _covers(now, after)
    return bool(now == after)


def _covers(now: t.Any, after: t.Any) -> bool:
    """The API server adds defaults to what it is given (a
    fieldRef's apiVersion, the numbers of a rolling update).
    """
    if isinstance(now, dict) and isinstance(after, dict):
        return all(key in now and _covers(now[key], value) for key, value in after.items())
    return bool(now == after)


def is_quantity(text: str) -> bool:
    """Whether the API server would take it for an amount of a resource, which is never below zero."""
    number = _quantity(text)
    return not isinstance(number, str) and number.is_finite() and number >= 0


def _quantity(text: str) -> decimal.Decimal | str:
    """The API server writes quantities its own way: 0.5
    comes back as 500m, 1024Mi as 1Gi (resource.Quantity).
    """
    number = text.rstrip("KkMGTPEimnu")
    suffix = text.removeprefix(number)
    try:
        if suffix in _BINARY:
            return decimal.Decimal(number) * 1024 ** (_BINARY.index(suffix) + 1)
        return decimal.Decimal(number) * decimal.Decimal(_SUFFIXES[suffix])
    except (KeyError, decimal.InvalidOperation):
        return text
