# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Closes the record of a release with its verdict and writes the report."""

from __future__ import annotations

import os
import tempfile

from ..._common.errors import ReleaseError
from ..._common.operation import Context, Operation, Result
from ..._common.options import REQUIRED, Option
from ..._release.report import markdown, verdict
from ..api.client import ClusterApi
from ..api.options import NAMESPACE
from ..api.port import KubeApi
from .lock import Lock
from .record import Record


def run(api: KubeApi, context: Context) -> Result:
    params = context.params
    path = os.path.abspath(os.path.expanduser(params["path"]))
    kept = Record(api, params["namespace"], params["release"], context.clock)
    record = kept.read()
    # Without entries there is no record to close: nothing had to
    # be done, and nothing is written into the cluster.
    closes = bool(record["entries"]) and not record["verdict"]
    if not record["verdict"]:
        found = verdict(record["entries"], params["reason"] or "")
        smoke = [
            {
                key: check.get(key)
                for key in (
                    "name",
                    "passed",
                    "status",
                    "reason",
                    *(("milliseconds", "attempts") if closes else ()),
                )
            }
            for check in params["smoke"] or []
        ]
        record["verdict"] = context.redact.value(
            {"verdict": found, "reason": params["reason"] or "", "smoke": smoke}
        )
    if closes and not context.check_mode:
        record["verdict"] = kept.close(record["verdict"])
    text = context.redact.text(markdown(params["platform"], params["release"], record))
    differs = _content(path) != text
    if differs and not context.check_mode:
        _write(path, text)
    if not context.check_mode:
        Lock(api, params["namespace"], params["release"], context).give_back()
    context.say(f"report: {path}" if not context.check_mode else f"would write the report to {path}")
    return Result(
        closes or differs, values={"path": path, "verdict": record["verdict"]["verdict"], "report": text}
    )


def _content(path: str) -> str:
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return ""
    except OSError as exc:
        raise ReleaseError(f"The report {path} cannot be read.", why=[str(exc)]) from exc


def _write(path: str, text: str) -> None:
    """By way of a file beside it: whoever reads the report never sees half of one."""
    try:
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with tempfile.NamedTemporaryFile(
            "w", encoding="utf-8", dir=os.path.dirname(path), delete=False
        ) as file:
            file.write(text)
        os.chmod(file.name, 0o644)
        os.replace(file.name, path)
    except OSError as exc:
        raise ReleaseError(
            f"The report {path} cannot be written.",
            why=[str(exc)],
            then="set release_report_dir to a folder that can be written",
        ) from exc


OPERATION = Operation(
    {
        **NAMESPACE,
        "platform": Option("str", REQUIRED),
        "release": Option("str", REQUIRED),
        "path": Option("path", REQUIRED),
        "reason": Option("str"),
        "smoke": Option("list", each=Option("dict")),
    },
    ClusterApi,
    run,
)
