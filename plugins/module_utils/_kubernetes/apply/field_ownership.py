# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What an apply does to one object: what stays as a release
has set it, what changes, and how that is shown. Pure.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import copy
import json
import typing as t

from ..._common.redact import HIDDEN, Redactor, is_secret_key
from ..api.port import Object
from .manifests import SERVERS

RELEASES = "runbook.release"
APPLIES = f"{RELEASES}.apply"
_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Of each pair an object holds one: with the release's, the manifest's other one has to go as well.
_EITHER = {"value": "valueFrom", "valueFrom": "value"}
# Its fields exclude each other: either the release's or the manifest's.
_WHOLE = ("strategy",)
# Keys that name where a secret is, not what it is.
_REFERENCES = ("Name", "Namespace", "Ref")


def comparable(obj: Object | None) -> Object:
    """What a person means by the object: without what the servers note about it."""
    if obj is None:
        return {}
    metadata = {key: value for key, value in obj["metadata"].items() if key not in SERVERS}
    annotations = {
        key: value for key, value in (metadata.pop("annotations", None) or {}).items() if key != _LAST_APPLIED
    }
    if annotations:
        metadata["annotations"] = annotations
    return {
        **{key: value for key, value in obj.items() if key not in ("metadata", "status")},
        "metadata": metadata,
    }


def owned(obj: Object | None, manager: str, operation: str) -> t.Any:
    """The fields (FieldsV1) that this manager owns of the object."""
    entries = (obj or {}).get("metadata", {}).get("managedFields") or []
    mine = [
        entry
        for entry in entries
        if entry.get("manager") == manager
        and entry.get("operation") == operation
        and not entry.get("subresource")
    ]
    fields: Object = {}
    for entry in mine:
        fields.update(entry.get("fieldsV1") or {})
    return fields


def beside_release(body: Object, live: Object | None) -> tuple[Object, list[str]]:
    """The manifest without the fields that a release has set on the object (images, replicas, environment).

    They stay as they are, whatever the manifest says: a manifest with yesterday's image must
    not undo a release. Gives the fields, too, whose value in the manifest is another one.
    """
    fields = owned(live, RELEASES, "Update").get("f:spec")
    if not fields or "spec" not in body:
        return body, []
    kept: list[str] = []
    body = copy.deepcopy(body)
    _leave(body["spec"], t.cast("Object", live)["spec"], fields, ".spec", kept)
    return body, kept


def _leave(desired: t.Any, live: t.Any, fields: Object, path: str, kept: list[str]) -> None:
    for field, inner in fields.items():
        mark, _colon, name = field.partition(":")
        if mark == "f" and isinstance(desired, dict):
            now = live.get(name) if isinstance(live, dict) else None
            if name in desired and inner and isinstance(desired[name], (dict, list)) and name not in _WHOLE:
                _leave(desired[name], now, inner, f"{path}.{name}", kept)
            else:
                for gone in (name, _EITHER.get(name, name)):
                    if (
                        gone in desired
                        and _over(now, desired.pop(gone)) != now
                        and f"{path}.{name}" not in kept
                    ):
                        kept.append(f"{path}.{name}")
        elif mark == "k" and isinstance(desired, list):
            keys = json.loads(name)
            item = _item(desired, keys)
            if item is not None:
                rest = {key: value for key, value in inner.items() if key.partition(":")[2] not in keys}
                where = ",".join(f'{key}="{value}"' for key, value in keys.items())
                _leave(item, _item(live or [], keys), rest, f"{path}[{where}]", kept)


def _item(items: list[t.Any], keys: dict[str, t.Any]) -> t.Any:
    return next(
        (
            item
            for item in items
            if isinstance(item, dict) and all(item.get(key, value) == value for key, value in keys.items())
        ),
        None,
    )


def foreseen(live: Object | None, body: Object) -> Object:
    """What an apply will come to, where the API server cannot compute it: the manifest laid over the live object."""
    return t.cast("Object", _over(live, body)) if live else body


def _over(live: t.Any, body: t.Any) -> t.Any:
    if isinstance(live, dict) and isinstance(body, dict):
        return {**live, **{key: _over(live.get(key), value) for key, value in body.items()}}
    if (
        isinstance(live, list)
        and isinstance(body, list)
        and body
        and all(isinstance(item, dict) and "name" in item for item in body)
    ):
        return [_over(_item(live, {"name": item["name"]}), item) for item in body]
    return body


def learn(redact: Redactor, obj: Object | None) -> None:
    """The secrets of an object, so that they are hidden
    wherever they turn up: in errors of the API server, too.
    """
    if obj is None:
        return
    if obj.get("kind") == "Secret":
        for value in (obj.get("stringData") or {}).values():
            redact.learn(value)
        for value in (obj.get("data") or {}).values():
            redact.learn(value)
            with contextlib.suppress(
                binascii.Error, ValueError
            ):  # not base64, as the API server will say, or no text
                redact.learn(base64.b64decode(str(value), validate=True).decode())
    _learn_environment(redact, obj)


def _learn_environment(redact: Redactor, value: t.Any) -> None:
    if isinstance(value, dict):
        if is_secret_key(value.get("name", "")):
            redact.learn(value.get("value"))
        for key, item in value.items():
            if isinstance(item, str) and is_secret_key(key):
                redact.learn(item)
            _learn_environment(redact, item)
    elif isinstance(value, list):
        for item in value:
            _learn_environment(redact, item)


def shown(before: Object | None, after: Object | None) -> tuple[Object, Object]:
    """Both sides as a person may see them. A secret that changes is hidden on both, and still seen to change."""
    was, will = comparable(before), comparable(after)
    secret = "Secret" in (was.get("kind"), will.get("kind"))
    return t.cast("tuple[Object, Object]", _hidden(was, will, secret))


def _hidden(was: t.Any, will: t.Any, secret: bool) -> tuple[t.Any, t.Any]:
    if isinstance(was, dict) or isinstance(will, dict):
        left, right = was if isinstance(was, dict) else {}, will if isinstance(will, dict) else {}
        environment = any(is_secret_key(side.get("name", "")) for side in (left, right))
        pairs = {}
        for key in {**left, **right}:
            pair = left.get(key), right.get(key)
            whole = (secret and key in ("data", "stringData")) or (key == "value" and environment)
            named_secret = (
                is_secret_key(key)
                and not str(key).endswith(_REFERENCES)
                and any(isinstance(side, str) for side in pair)
            )
            pairs[key] = _covered(*pair) if whole or named_secret else _hidden(*pair, secret)
        return (
            {key: pair[0] for key, pair in pairs.items() if key in left} if isinstance(was, dict) else was,
            {key: pair[1] for key, pair in pairs.items() if key in right} if isinstance(will, dict) else will,
        )
    if isinstance(was, list) and isinstance(will, list):
        names = {
            item["name"]: item for item in was if isinstance(item, dict) and isinstance(item.get("name"), str)
        }
        mates = [
            names.get(item["name"]) if isinstance(item, dict) and isinstance(item.get("name"), str) else None
            for item in will
        ]
        return [_hidden(item, item, secret)[0] for item in was], [
            _hidden(mate, item, secret)[1] for mate, item in zip(mates, will)
        ]
    if isinstance(was, list):
        return [_hidden(item, None, secret)[0] for item in was], will
    if isinstance(will, list):
        return was, [_hidden(None, item, secret)[1] for item in will]
    return was, will


def _covered(was: t.Any, will: t.Any) -> tuple[t.Any, t.Any]:
    """Hides strings, however deep: names of keys are shown, values never."""
    if isinstance(was, dict) or isinstance(will, dict):
        left, right = was if isinstance(was, dict) else {}, will if isinstance(will, dict) else {}
        pairs = {key: _covered(left.get(key), right.get(key)) for key in {**left, **right}}
        return {key: pairs[key][0] for key in left}, {key: pairs[key][1] for key in right}
    if isinstance(was, list) or isinstance(will, list):
        return _covered_list(was), _covered_list(will)
    changed = isinstance(was, str) and isinstance(will, str) and was != will
    return _cover(was), f"{HIDDEN} (changed)" if changed else _cover(will)


def _covered_list(value: t.Any) -> t.Any:
    return [_covered(item, item)[0] for item in value] if isinstance(value, list) else value


def _cover(value: t.Any) -> t.Any:
    return HIDDEN if isinstance(value, str) and value else value
