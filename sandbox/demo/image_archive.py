# Copyright: (c) 2026, runbook.release contributors
# SPDX-License-Identifier: GPL-3.0-or-later

"""Makes an image of one static program without a container engine, for `ctr images import`."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile

ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


def image_archive(reference: str, name: str, program: bytes) -> bytes:
    """A docker-archive. Its bytes depend on the input only, so its digest is the same everywhere."""
    layer = _tar({name: program}, 0o755)
    digest = hashlib.sha256(layer).hexdigest()
    config = json.dumps({
        "architecture": ARCHITECTURES.get(platform.machine(), platform.machine()), "os": "linux", "created": "1970-01-01T00:00:00Z",
        "config": {"Entrypoint": [f"/{name}"]}, "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
    }, sort_keys=True).encode()  # fmt: skip
    config_name = hashlib.sha256(config).hexdigest() + ".json"
    manifest = json.dumps(
        [{"Config": config_name, "RepoTags": [reference], "Layers": [f"{digest}/layer.tar"]}]
    ).encode()
    return _tar({config_name: config, f"{digest}/layer.tar": layer, "manifest.json": manifest}, 0o644)


def _tar(files: dict[str, bytes], mode: int) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as archive:
        for name, data in files.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(data), mode
            archive.addfile(entry, io.BytesIO(data))
    return buffer.getvalue()
