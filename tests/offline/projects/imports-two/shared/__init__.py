"""A package of this program alone."""

NAME = "two"
