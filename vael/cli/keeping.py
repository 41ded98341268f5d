"""`vael rename`, `vael stop`, `vael delete`."""

import sys
import time
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from vael.cli.options import Places
from vael.errors import VaelError

if TYPE_CHECKING:
    from vael.runs import RunFolder

__all__ = ["delete", "rename", "stop"]

STOP_SECONDS = 60
"""How long `vael stop` waits: a training ends at its next step, but one step may be being compiled."""


def rename(run: str, name: str, *, places: Places | None = None) -> None:
    """Give a run another name.

    For example:

        vael rename digits-1 digits-small

    Parameters
    ----------
    run
        A run's name or path.
    name
        The new name: a plain folder name.
    """
    from vael.runs import RunFolder

    places = places or Places()
    print(RunFolder.open(run, root=places.runs).rename(name).path)


def stop(run: str, *, places: Places | None = None) -> None:
    """End a training that runs in another process, as Ctrl-C there would; it can be resumed.

    For example:

        vael stop binary-20-1

    Parameters
    ----------
    run
        A run's name or path.
    """
    from vael.runs import RunFolder

    places = places or Places()
    folder = RunFolder.open(run, root=places.runs)
    folder.stop()
    status = _wait_until_stopped(folder)
    if status == "finished":
        print(f"{folder.name} has finished; it lies in {folder.path}")
    else:
        print(f"{folder.name} is {status}; go on with: vael resume {folder.path}")


def delete(
    run: list[str],
    /,
    *,
    yes: Annotated[bool, Parameter(alias="-y", negative="")] = False,
    places: Places | None = None,
) -> None:
    """Delete runs with all that lies in their folders; nothing brings them back.

    For example:

        vael delete digits-1
        vael delete digits-1 digits-2 --yes

    Parameters
    ----------
    run
        A run's name or path; several may be given.
    yes
        Do not ask.
    """
    from vael.runs import RunFolder

    places = places or Places()
    found = [RunFolder.find(name, root=places.runs) for name in run]
    folders = list({folder.path.absolute(): folder for folder in found}.values())
    if not yes and not _agreed(folders):
        print("Nothing was deleted.")
        return
    for folder in folders:
        folder.delete()
        print(f"deleted {folder.path}")


def _agreed(folders: "list[RunFolder]") -> bool:
    """Ask on the terminal.

    Raises:
        VaelError: There is none.
    """
    names = ", ".join(str(folder.path) for folder in folders)
    if not sys.stdin.isatty():
        raise VaelError(f"deleting {names} asks first, and there is no terminal to ask on: add --yes")
    try:
        return input(f"Delete {names} for good? [y/N] ").strip().lower() in ("y", "yes")
    except EOFError:  # Ctrl-D
        return False


def _wait_until_stopped(folder: "RunFolder") -> str:
    """Wait until nobody trains into a folder and return its status.

    Raises:
        VaelError: The training goes on after a minute.
    """
    deadline = time.monotonic() + STOP_SECONDS
    while (status := folder.status()) == "running":
        if time.monotonic() > deadline:
            raise VaelError(
                f"{folder.name} still runs {STOP_SECONDS} s after it was asked to stop: "
                "wait longer, or ask again, which ends it at once"
            )
        time.sleep(0.1)
    return status
