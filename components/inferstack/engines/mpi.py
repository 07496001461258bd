"""How MPI starts its daemons on the other pods of a replica, which have neither an SSH server nor a key.

Open MPI asks an agent to run a command on each other host, which is `ssh` by itself. Ours waits for the pod of that place and hands the
command over, and the pod runs it: the same trust that MPI itself has, between pods that a network policy keeps to themselves. Nothing
secret is made or mounted. Variables come from each pod's own container.
"""

from __future__ import annotations

from .gang import INTERFACE, LEADER_ADDRESS, WORKER_INDEX, workers
from .spec import Drain, Workers

FOLDER = "/etc/mpi"
HAND_OVER = f"{FOLDER}/hand_over.py"
FETCH = f"{FOLDER}/fetch.py"
FIRST_PORT = 29500
"""The command for the pod of place i is handed over at this port and i."""
HOST = "worker-"
"""Name of a host, with the place of its pod behind it. It is resolved by nobody."""

_HAND_OVER = f'''"""Agent of mpirun: hands the command for a host to the pod of that place, once it asks."""

import socket
import sys

place, command = int(sys.argv[1].removeprefix("{HOST}")), " ".join(sys.argv[2:])
with socket.create_server(("", {FIRST_PORT} + place)) as server:
    peer, _ = server.accept()
    with peer:
        peer.sendall(command.encode())
'''
_FETCH = f'''"""Fetches the command of this pod from the first one, and becomes it."""

import os
import socket
import sys
import time

leader, place = sys.argv[1], int(sys.argv[2])
command = b""
while not command:
    try:
        with socket.create_connection((leader, {FIRST_PORT} + place), timeout=30) as peer:
            peer.settimeout(None)
            command = b"".join(iter(lambda: peer.recv(65536), b""))
    except OSError:
        time.sleep(1)
os.execvp("bash", ["bash", "-c", command.decode()])
'''

FILES = ((HAND_OVER, _HAND_OVER), (FETCH, _FETCH))


def launch(machines: int, each: int) -> tuple[str, ...]:
    """What stands before the command of a rank: `each` ranks on every machine, the first ones on this one."""
    hosts = ("localhost", *(f"{HOST}{place}" for place in range(1, machines)))
    return (
        *("mpirun", "--allow-run-as-root", "--bind-to", "none", "-n", str(machines * each)),
        *("-H", ",".join(f"{host}:{each}" for host in hosts)),
        *("--mca", "pml", "ob1", "--mca", "oob_tcp_if_include", INTERFACE, "--mca", "btl_tcp_if_include", INTERFACE),
        *("--mca", "plm_rsh_agent", f"python3 {HAND_OVER}"),
    )


def fetching(machines: int, port: int, drain: Drain) -> Workers | None:
    """The pods beside the first, which run what it hands over; None where a replica is one pod."""
    return workers(machines, (LEADER_ADDRESS, WORKER_INDEX), port, drain, command=("python3", FETCH))
