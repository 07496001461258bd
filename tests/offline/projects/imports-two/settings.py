"""A module beside the program."""

WHERE = "two"
