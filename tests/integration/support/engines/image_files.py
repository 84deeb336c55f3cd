# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Programs of this machine as an image without anything else holds them: with the libraries that they name."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path


def program(root: Path, name: str, to: str = "") -> None:
    """
    :param root: the folder that is the image's root.
    :param name: as it is found on PATH.
    :param to: where in the image, if not where it is here.
    """
    found = Path(str(shutil.which(name)))
    _copy(found.resolve(), root / (to or str(found.relative_to("/"))))
    _libraries(root, [found.resolve()])


def tree(root: Path, folder: Path) -> None:
    """A folder where it is here, and the libraries of the shared objects in it."""
    shutil.copytree(folder, root / folder.relative_to("/"), dirs_exist_ok=True)
    _libraries(root, list(folder.rglob("*.so")))


def _libraries(root: Path, files: list[Path]) -> None:
    output = (
        subprocess.run(["ldd", *map(str, files)], check=False, capture_output=True, text=True).stdout
        if files
        else ""
    )
    for path in sorted(set(re.findall(r"(/\S+) \(0x", output))):
        _copy(Path(path), root / path.lstrip("/"))


def _copy(path: Path, there: Path) -> None:
    there.parent.mkdir(parents=True, exist_ok=True)
    shutil.copy2(path, there)
