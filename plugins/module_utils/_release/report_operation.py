# Copyright: (c) 2026, runbook.release contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# PRIVATE to this collection.
"""Writes the report of a release from its record."""

from __future__ import annotations

import os
import tempfile

from .._common.errors import ReleaseError
from .._common.operation import Context, Result
from .close_operation import given
from .record import Record
from .report.markdown import markdown


def run(record: Record, context: Context) -> Result:
    params = context.params
    path = os.path.abspath(os.path.expanduser(params["path"]))
    content = record.read()
    if not content["verdict"]:
        # Nothing had to be done, or the record is still open: how it looks now.
        content["verdict"] = given(params["reason"] or "", params["smoke"] or [], content["entries"], context)
    text = context.redact.text(markdown(params["platform"], params["release"], content))
    differs = _content(path) != text
    if differs and not context.check_mode:
        _write(path, text)
    context.say(f"report: {path}" if not context.check_mode else f"would write the report to {path}")
    return Result(differs, values={"path": path, "verdict": content["verdict"]["verdict"], "report": text})


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
