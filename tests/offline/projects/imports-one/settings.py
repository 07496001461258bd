"""A module beside the program."""

WHERE = "one"
