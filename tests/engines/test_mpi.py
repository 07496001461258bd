"""How MPI starts its daemons on the other pods: by the scripts that they mount, over a real socket."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from inferstack.engines import mpi


def script(path: str, folder: Path) -> list[str]:
    """That script, as it is mounted, ready to be run here."""
    written = folder / Path(path).name
    written.write_text(dict(mpi.FILES)[path], encoding="utf-8")
    return [sys.executable, str(written)]


def test_a_pod_runs_the_command_that_the_first_hands_over(tmp_path: Path) -> None:
    """The one that asks too early asks again; the command comes whole, quotes and all, and its end is the end of the pod's process."""
    done = tmp_path / "done"
    fetch = subprocess.Popen([*script(mpi.FETCH, tmp_path), "localhost", "177"])
    agent = [*script(mpi.HAND_OVER, tmp_path), f"{mpi.HOST}177", f' PATH="$PATH"; export PATH; echo "a  \'b\' $PPID" > {done}; exit 3']
    assert subprocess.run(agent, timeout=60).returncode == 0
    assert fetch.wait(60) == 3
    assert done.read_text(encoding="utf-8").startswith("a  'b' ")


def test_hosts_are_numbered_as_pods_are() -> None:
    """The first ranks are on the first pod; every other host is called by the place of its pod, which is what the agent waits for."""
    words = mpi.launch(3, 8)
    assert words[words.index("-n") + 1] == "24"
    assert words[words.index("-H") + 1] == "localhost:8,worker-1:8,worker-2:8"
    assert words[words.index("plm_rsh_agent") + 1].endswith(mpi.HAND_OVER)


def test_nothing_secret_is_mounted() -> None:
    """No key stands in what the pods are given."""
    assert not any(word in text.lower() for _, text in mpi.FILES for word in ("private", "ssh-", "secret", "password"))
