"""Speed and memory of the library, as ratios and figures of one run on this machine: `make bench`."""

from __future__ import annotations
