"""One process of a sweep's crew: `python -m vael.sweeps FOLDER TRIALS DEADLINE PARENT [DATA_ROOT]`."""

import os
import signal
import sys
from pathlib import Path
from typing import Any

from vael.errors import VaelError
from vael.sweeps.plan import Sweep
from vael.sweeps.store import Store
from vael.sweeps.study import in_one_line
from vael.sweeps.work import Budget, work


def main(words: list[str]) -> int:
    """Train trials until there are enough, the deadline (0 is none), an interrupt, or the end of the parent."""
    asked: list[int] = []

    def ask(number: int, frame: Any) -> None:
        asked.append(number)

    signal.signal(signal.SIGINT, ask)
    folder, trials, deadline, parent = Path(words[0]), int(words[1]), float(words[2]), int(words[3])
    data_root = Path(words[4]) if len(words) > 4 else None
    budget = Budget(trials, deadline or None, lambda: bool(asked) or os.getppid() != parent)
    try:
        with in_one_line():
            for _ in work(Store(Sweep.reopen(folder, data_root)), budget):
                pass
    except VaelError as error:
        sys.stderr.write(f"vael: {' '.join(str(error).split())}\n")
        return 2
    return 130 if asked else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
