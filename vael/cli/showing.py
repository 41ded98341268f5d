"""`vael studio`."""

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vael.cli.options import Places
from vael.errors import VaelError

__all__ = ["studio"]


def studio(
    folder: Path | None = None,
    *,
    port: int = 8765,
    host: str = "127.0.0.1",
    token: Annotated[str | None, Parameter(env_var="VAEL_STUDIO_TOKEN")] = None,
    browser: bool = True,
    places: Places | None = None,
    json: Annotated[bool, Parameter(negative="")] = False,
) -> None:
    """Watch runs live in the browser and put a hand into their latent space.

    For example:

        vael studio
        vael studio experiments/ --port 9000 --no-browser
        vael studio --host 0.0.0.0

    Parameters
    ----------
    folder
        The folder that holds the runs; that of --runs otherwise. It may be empty, or not there yet.
    port
        The port to listen on; if it is in use, the next free one is taken and said.
    host
        The address to listen on. Any other than this machine's own asks every browser for a token.
    token
        The token; made up and printed if it is needed and not given.
    browser
        Open the page in the browser.
    json
        Print one JSON line with the address.
    """
    try:
        from vael.studio.serve import Address, serve
    except ModuleNotFoundError as error:
        raise VaelError(f"the studio needs {error.name}: pip install 'vael[studio]'") from None

    places = places or Places()
    serve(
        folder or places.runs,
        Address(host, port),
        data_root=places.data_root,
        token=token,
        open_browser=browser,
        as_json=json,
    )
