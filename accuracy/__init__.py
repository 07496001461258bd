"""How wrong our figures are, measured: predictions beside published measurements and beside what other tools compute.

`make accuracy` reads the rows in calibration/data, predicts them as `inferstack evaluate` does, and writes docs/accuracy.md.
"""
