"""The command line: words in, tasks called, results printed. It holds no logic of its own.

`app` gathers the commands; `training`, `listing`, `keeping` and `using` hold them; `progress` shows a training,
`outputs` writes numbers and pictures. Nothing here imports torch before a command runs, so `--help` is instant.
"""

import sys
from collections.abc import Sequence

from vael.errors import VaelError

__all__ = ["main"]


def main(words: Sequence[str] | None = None) -> None:
    """Run the command line on the given words (those of the process by default).

    Mistakes end with one line on stderr and exit code 2.
    """
    from cyclopts import CycloptsError

    from vael.cli.app import app

    try:
        app(sys.argv[1:] if words is None else words, exit_on_error=False, print_error=False)
    except (VaelError, CycloptsError) as error:
        print(f"vael: {' '.join(str(error).split())}", file=sys.stderr)
        sys.exit(2)
    except KeyboardInterrupt:
        print("vael: stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader (`head`, say) has seen enough
        sys.stderr.close()
