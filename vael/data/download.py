"""Downloads: from a data set's public home into the cache folder, checked before they get their name.

Checksums are those of the uncompressed content, so that a recompressed copy counts. `$VAEL_MIRROR` names another
server, on which the files lie as `<data set>/<file>`.
"""

import gzip
import hashlib
import os
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from vael.errors import VaelError
from vael.files import written_whole

__all__ = ["RemoteFile", "content_md5", "fetch"]

TIMEOUT_SECONDS = 30.0
BLOCK_BYTES = 1 << 20


@dataclass(frozen=True)
class RemoteFile:
    """Name one file of a data set and say how to recognise it.

    Arguments:
        name: Its name, here and there (`"train-images-idx3-ubyte.gz"`).
        base_url: The folder it lies in at home, without the slash.
        md5: MD5 of the uncompressed content, hexadecimal; empty where it is not published.
        archive_md5: MD5 of the file itself, for those whose content's is not published.
    """

    name: str
    base_url: str
    md5: str = ""
    archive_md5: str = ""

    @property
    def plain_name(self) -> str:
        """The name without `.gz`."""
        return self.name.removesuffix(".gz")

    def url(self, source: str) -> str:
        """Return where to get the file: on `$VAEL_MIRROR` where that is set, else at its home."""
        mirror = os.environ.get("VAEL_MIRROR")
        base = f"{mirror.rstrip('/')}/{source}" if mirror else self.base_url
        return f"{base}/{self.name}"


def content_md5(path: Path) -> str:
    """Return the MD5 of a file's content, uncompressed where the name ends in `.gz`.

    Raises:
        VaelError: The compressed stream is broken.
    """
    digest = hashlib.md5(usedforsecurity=False)
    try:
        with gzip.open(path) if path.suffix == ".gz" else open(path, "rb") as file:
            while block := file.read(BLOCK_BYTES):
                digest.update(block)
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise VaelError(f"{path} is not a whole gzip file ({error}): delete it and fetch it again") from None
    return digest.hexdigest()


def fetch(source: str, file: RemoteFile, folder: Path) -> Path:
    """Download one file into a folder, check it, give it its name, and return its path.

    Raises:
        VaelError: The server cannot be reached or refuses, the content has another checksum, or the disk is full.
    """
    from requests import RequestException

    target, url = folder / file.name, file.url(source)
    try:
        with written_whole(target) as partial:
            _get(url, partial, f"{source}: {file.name}")
            _check(partial, file, url)
    except RequestException as error:
        raise VaelError(f"{source} cannot be downloaded from {url} ({_reason(error)}): {_advice(target)}") from None
    except OSError as error:
        raise VaelError(
            f"{source} cannot be saved as {target} ({error.strerror or error}): {_advice(target)}"
        ) from None
    return target


def _get(url: str, path: Path, title: str) -> None:
    import pooch

    with _Progress(title) as progress:
        bar: Any = progress  # pooch takes what speaks tqdm's protocol, though its annotation says bool
        pooch.HTTPDownloader(progressbar=bar, chunk_size=BLOCK_BYTES, timeout=TIMEOUT_SECONDS)(url, path, None)


def _check(path: Path, file: RemoteFile, url: str) -> None:
    """Compare a finished download with the published checksum."""
    try:
        found = content_md5(path) if file.md5 else _file_md5(path)
    except VaelError:
        raise VaelError(f"{url} is not a whole gzip file: try again, or set VAEL_MIRROR to another server") from None
    expected = file.md5 or file.archive_md5
    if expected and found != expected:
        raise VaelError(
            f"{url} has other content than published (MD5 {expected} expected, got {found}): "
            "try again, or set VAEL_MIRROR to another server"
        )


def _file_md5(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _advice(target: Path) -> str:
    return f"fetch it elsewhere and put it at {target}, or name its folder with --data-root or VAEL_DATA"


def _reason(error: Exception) -> str:
    """Say in a few words why a request failed; requests nests the cause in long messages."""
    from requests import exceptions

    if isinstance(error, exceptions.HTTPError) and error.response is not None:
        return f"the server answered {error.response.status_code}"
    if isinstance(error, exceptions.Timeout):
        return f"no answer within {TIMEOUT_SECONDS:g} s"
    if isinstance(error, exceptions.ConnectionError):
        return "the server cannot be reached"
    return " ".join(str(error).split())[:200] or type(error).__name__


class _Progress:
    """Show a download with rich; speaks the part of tqdm's protocol that pooch uses."""

    def __init__(self, title: str) -> None:
        from rich.console import Console
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

        columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self.bar = Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
        self.task = self.bar.add_task(title, total=None)
        self.total = 0

    def __enter__(self) -> "_Progress":
        self.bar.start()
        return self

    def __exit__(self, *_: Any) -> None:
        self.bar.stop()

    def update(self, count: int) -> None:
        """Advance by so many bytes."""
        self.bar.update(self.task, total=self.total or None, advance=count)

    def reset(self) -> None:
        """Start again at nothing."""
        self.bar.reset(self.task)

    def close(self) -> None:
        """End the bar (`__exit__` does it)."""
