# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Stands where ansible-test keeps its downloaded get-pip.py, so that nothing but the package index is needed.

pip comes from the interpreter's own ensurepip; the version ansible-test asks for is then installed as usual.
"""

from __future__ import annotations

import subprocess
import sys

if __name__ == "__main__":
    wanted = [argument for argument in sys.argv[1:] if argument not in ("--no-setuptools", "--no-wheel")]
    subprocess.run(
        [sys.executable, "-m", "ensurepip", "--default-pip"], stdout=subprocess.DEVNULL, check=True
    )
    sys.exit(subprocess.run([sys.executable, "-m", "pip", "install", *wanted], check=False).returncode)
