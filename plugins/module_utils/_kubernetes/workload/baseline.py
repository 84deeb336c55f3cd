# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""What ran before the release: kept on the workload itself, written in the patch that changes it.

So rolling back needs nothing but the cluster, and no moment
exists at which the change is live and its undoing is not.
"""

from __future__ import annotations

import dataclasses
import json

from ..api.port import Object
from .fields.base import FieldValues
from .fields.values import flat, live, nested
from .status import images, revision

RELEASE = "runbook.release/release"
BASELINE = "runbook.release/baseline"
UNDONE = "runbook.release/rolled-back"


@dataclasses.dataclass(frozen=True)
class Baseline:
    """What was live before the release of all that it set, and the images of every container.

    ``release`` is the one that ran then ('' when unknown),
    ``revision`` the number or name of the pod template.
    """

    values: FieldValues
    release: str
    revision: str
    wave: int

    def as_text(self) -> str:
        text = {**nested(self.values), "release": self.release, "revision": self.revision, "wave": self.wave}
        return json.dumps(text, separators=(",", ":"), sort_keys=True)


def release_of(obj: Object) -> str:
    return str(_annotations(obj).get(RELEASE, ""))


def undone(obj: Object) -> str:
    """The release that was rolled back on it last; '' when another one has come since."""
    return str(_annotations(obj).get(UNDONE, ""))


def recorded(obj: Object, release: str) -> Baseline | None:
    """The baseline that this release recorded; None when it has not touched the workload, or was undone."""
    text = _annotations(obj).get(BASELINE)
    if not text or release_of(obj) != release:
        return None
    kept = json.loads(text)
    return Baseline(flat(kept), kept["release"], kept["revision"], kept["wave"])


def before(obj: Object, release: str, wave: int, touched: FieldValues) -> Baseline:
    """The baseline to record with a change.

    What this release has recorded stays: a second reading would record its own half-done
    work. What it touches for the first time is as it was before the release, and is added.
    """
    kept = recorded(obj, release)
    if kept is None:
        everything = [*touched, *(("images", container) for container in images(obj))]
        return Baseline(live(obj, everything), release_of(obj), revision(obj), wave)
    added = [path for path in touched if path not in kept.values]
    return dataclasses.replace(kept, values={**kept.values, **live(obj, added)})


def _annotations(obj: Object) -> dict[str, str]:
    return obj["metadata"].get("annotations") or {}
