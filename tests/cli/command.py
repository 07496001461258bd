"""The `inferstack` command as a process of its own."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
AGE_OF_PRICES = re.compile(r"^prices may have changed: .*\n", re.MULTILINE)
CALL = "from inferstack.cli import main; main()"


def inferstack(*arguments: str, cwd: Path = ROOT, before: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command in `cwd`; `before` is Python that runs first in the same process. What it says of the age of prices, which depends
    on the day, is left out."""
    done = subprocess.run(
        [sys.executable, "-c", f"{before}\n{CALL}", *arguments],
        cwd=cwd,
        env=_environment(environment),
        capture_output=True,
        text=True,
        check=False,
    )
    done.stderr = AGE_OF_PRICES.sub("", done.stderr)
    return done


def start(*arguments: str, before: str = "") -> subprocess.Popen[str]:
    """The same, still running, with its streams open."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [sys.executable, "-c", f"{before}\n{CALL}", *arguments], cwd=ROOT, env=_environment({}), stdout=pipe, stderr=pipe, text=True
    )


def _environment(changes: dict[str, str]) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if key not in ("NO_COLOR", "FORCE_COLOR", "COLUMNS")}
    return {**kept, "PYTHONPATH": str(ROOT / "components"), **changes}
