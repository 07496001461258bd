"""The refusal of a row that names something that is not known."""

from __future__ import annotations

from ..errors import InferstackError


class Unresolvable(InferstackError):
    """A row names something that is not known. As text: a sentence with the name and what is known."""

    exit_code = 2
