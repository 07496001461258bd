"""Loading: nothing at import, one cloud at a time, and fast."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from inferstack import catalog

SCRIPT = """
import json, pathlib, sys
read = []
original = pathlib.Path.read_text
def recorded(self, *args, **kwargs):
    read.append(self.name)
    return original(self, *args, **kwargs)
pathlib.Path.read_text = recorded
from inferstack import catalog
{use}
print(json.dumps([sorted(read), sorted(name for name in sys.modules if name.startswith("inferstack.catalog."))]))
"""


def files_and_modules(use: str = "") -> tuple[list[str], list[str]]:
    """Data files that are read and modules of the catalog that are loaded by a new process that does `use`."""
    environment = {**os.environ, "PYTHONPATH": str(Path(catalog.__file__).parents[2])}
    done = subprocess.run([sys.executable, "-c", SCRIPT.format(use=use)], capture_output=True, text=True, check=True, env=environment)
    files, modules = json.loads(done.stdout)
    return files, modules


def test_import_reads_nothing() -> None:
    """Importing the catalog reads no data and loads nothing that understands configs."""
    files, modules = files_and_modules()
    assert files == []
    assert "inferstack.catalog.configs" not in modules


def test_the_other_cloud_is_never_read() -> None:
    """Machines, zones and fees of one cloud leave the files of the other alone."""
    files, _ = files_and_modules("catalog.machines('gke'); catalog.zones('gke', 'us-central1'); catalog.fees('gke')")
    assert files == ["gke.json", "gke_fees.json"]


def test_each_file_is_read_once() -> None:
    """Asking twice reads once."""
    use = "catalog.models(); catalog.model('Qwen/Qwen3-8B'); catalog.models(); catalog.machines('eks'); catalog.machine('eks', 'g6.xlarge')"
    files, _ = files_and_modules(use)
    assert len(files) == len(set(files))
    assert {"eks.json", "models.json"} <= set(files)
