"""An upload on its way to readers that take paths: a file of a name of our own, for as long as it is read.

What a few megabytes unpack to has no limit of its own, so only endings that say what is inside are taken, and of a zip
the sizes that it states: more than stated is never unpacked.
"""

import hashlib
import io
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

from vael.data.image_files import IMAGE_ENDINGS
from vael.errors import VaelError

__all__ = ["Upload"]

LARGEST_UNPACKED = 256 * 2**20  # bytes of all files of a zip
MOST_FILES = 20_000


@dataclass(frozen=True)
class Upload:
    """Hold a file that came from a browser.

    Arguments:
        content: Its bytes.
        name: What the browser calls it; it is shown, and never becomes a path.
    """

    content: bytes
    name: str

    @property
    def shown(self) -> str:
        """The name on one line."""
        return " ".join(self.name.split()) or "the upload"

    @property
    def ending(self) -> str:
        """How the name ends, in small letters: `.png`."""
        return PurePosixPath(self.name.lower().replace("\\", "/")).suffix

    @property
    def is_picture(self) -> bool:
        """Whether it is a single image, by its ending."""
        return self.ending in IMAGE_ENDINGS

    @cached_property
    def digest(self) -> str:
        """What is the same for the same content alone."""
        return hashlib.blake2b(self.content, digest_size=16).hexdigest()

    @contextmanager
    def as_file(self, *endings: str) -> Iterator[Path]:
        """Give the path of a file that holds the content; in errors it is called by the upload's name.

        Arguments:
            endings: What else is taken, besides images.

        Raises:
            VaelError: Another ending, or a zip that unpacks to too much.
        """
        if self.ending not in endings and not self.is_picture:
            raise VaelError(f"{self.shown} expects an ending that says what it is: {', '.join(endings)} or an image's")
        if self.ending == ".zip":
            self._check_zip()
        with tempfile.TemporaryDirectory(prefix="vael-studio-") as folder:
            path = Path(folder) / f"upload{self.ending}"
            path.write_bytes(self.content)
            try:
                yield path
            except VaelError as error:
                raise VaelError(str(error).replace(str(path), self.shown).replace(path.name, self.shown)) from None

    def _check_zip(self) -> None:
        try:
            with zipfile.ZipFile(io.BytesIO(self.content)) as archive:
                sizes = [entry.file_size for entry in archive.infolist()]
        except (zipfile.BadZipFile, OSError, ValueError, NotImplementedError) as error:
            raise VaelError(f"{self.shown} is not a whole zip file ({error}): write it again") from None
        if sum(sizes) > LARGEST_UNPACKED or len(sizes) > MOST_FILES:
            raise VaelError(
                f"{self.shown} unpacks to {len(sizes):,} files of {sum(sizes) / 2**20:,.0f} MB, expected at most "
                f"{MOST_FILES:,} of {LARGEST_UNPACKED / 2**20:,.0f} MB: make it smaller"
            )
