"""Runs inside an environment that holds KServe's storage initializer: what it would fetch from Hugging Face, for sources and variables of
standard input."""

from __future__ import annotations

import json
import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import huggingface_hub  # pyright: ignore[reportMissingImports]
from kserve_storage import Storage  # pyright: ignore[reportMissingImports]

KEPT = ("repo_id", "revision", "allow_patterns", "ignore_patterns")


def asked(source: str, variables: dict[str, str]) -> dict[str, Any]:
    """Arguments of the download that the source leads to."""
    found: dict[str, Any] = {}

    def snapshot(**given: Any) -> str:
        found.update({key: given[key] for key in KEPT if key in given})
        Path(given["local_dir"], "config.json").write_text("{}", encoding="utf-8")
        return str(given["local_dir"])

    huggingface_hub.snapshot_download = snapshot
    os.environ.update(variables)
    with tempfile.TemporaryDirectory() as folder:
        Storage.download(source, folder)
    for name in variables:
        del os.environ[name]
    return found


if __name__ == "__main__":
    answers = [asked(source, variables) for source, variables in json.load(sys.stdin)]
    Path(sys.argv[1]).write_text(json.dumps(answers), encoding="utf-8")
