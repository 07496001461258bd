"""Imported by a function that runs after the program's own text."""

LATER = True
