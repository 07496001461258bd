"""A user's own benchmark runs: reading what benchmark tools write, checking it against physics and itself, correcting estimates by it."""

from .calibration import Calibration, Measured, calibration_of, document, read_calibration
from .checks import check
from .formats import Setup, read_measurements

__all__ = ["Calibration", "Measured", "Setup", "calibration_of", "check", "document", "read_calibration", "read_measurements"]
