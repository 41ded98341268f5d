"""What the user reads when something is wrong: one line that says what was expected, what came and what to try."""

import difflib
from collections.abc import Iterable

__all__ = ["VaelError", "unknown_name"]


class VaelError(Exception):
    """A mistake that the user can mend; the command line prints its one line and exits with 2."""


def unknown_name(kind: str, name: str, known: Iterable[str]) -> VaelError:
    """Build the error for a name that no table holds, with the closest known one.

    Arguments:
        kind: What was named, in words (`"recipe"`).
        name: The name that came.
        known: The names that exist.

    >>> print(unknown_name("recipe", "bsic", ["basic", "digits"]))
    unknown recipe 'bsic': did you mean 'basic'? (known: basic, digits)
    """
    names = sorted(known)
    close = difflib.get_close_matches(name, names, n=1)
    hint = f"did you mean '{close[0]}'? " if close else ""
    return VaelError(f"unknown {kind} '{name}': {hint}(known: {', '.join(names)})")
