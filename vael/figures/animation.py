"""Moving pictures: frames into .gif, .webp or .mp4, and the strip that says where in the film one is."""

import io
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from vael.errors import VaelError
from vael.figures.checks import expect_length, expect_pixels
from vael.figures.grid import Pixels
from vael.figures.theme import FONT, find_theme

__all__ = ["FORMATS", "captioned", "save_animation"]

FORMATS = ("gif", "webp", "mp4")
GREYS, COLOURS = 32, 256  # of a GIF: where all is grey (and as many others, for a caption), and elsewhere
NEARLY_GREY = 8  # levels between a pixel's strongest and weakest colour
SEEN = 500_000  # pixels that the palette is chosen from
WEBP_BYTES = 500_000
WEBP_QUALITIES = (60, 40, 25, 15)  # the lowest still shows 28 × 28 digits as they are; only grain is lost
WEBP_METHOD = 4  # 6 makes files 4 % smaller and takes twenty times as long
CRF = 20  # of H.264: 0 loses nothing, 23 is ffmpeg's own choice
STRIP, TEXT = 22, 12  # pixels, the heights of the caption and of its letters
BAR = 3  # pixels, the height of the progress bar


def save_animation(path: Path, frames: Sequence[Pixels], *, milliseconds: Sequence[int] | int = 120) -> None:
    """Save frames as an animation in the format of the path's ending; GIF and WebP loop for ever.

    Arguments:
        path: Ends in .gif, .webp or .mp4.
        frames: Pictures `(H, W, 3)` uint8 of one size.
        milliseconds: How long each frame stands, or all of them; GIF knows hundredths of a second only.

    Raises:
        VaelError: No frames, frames of different sizes, another ending, no ffmpeg for .mp4, or the file cannot be
            written.
    """
    ending = path.suffix.lower().removeprefix(".")
    if ending not in FORMATS:
        raise VaelError(f"an animation expects .gif, .webp or .mp4, got '{path.name}'")
    if not len(frames):
        raise VaelError("an animation expects at least one frame, got none")
    for frame in frames:
        expect_pixels(frame, *frames[0].shape[:2])
    durations = [milliseconds] * len(frames) if isinstance(milliseconds, int) else list(milliseconds)
    expect_length("milliseconds", durations, len(frames), "frame")
    if min(durations) < 10:
        raise VaelError(f"milliseconds expects at least 10 a frame, got {min(durations)}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        {"gif": _save_gif, "webp": _save_webp, "mp4": _save_mp4}[ending](path, frames, durations)
    except OSError as error:
        raise VaelError(f"cannot write {path}: {error.strerror or error}") from None


def _save_gif(path: Path, frames: Sequence[Pixels], durations: list[int]) -> None:
    """Save with one palette for all frames, so that what stands still costs nothing.

    Nothing is dithered: noise would change with every frame, and neither look good nor compress.
    """
    palette = _shared_palette(frames)
    pictures = [Image.fromarray(frame).quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=durations, loop=0, optimize=True)


def _shared_palette(frames: Sequence[Pixels]) -> Image.Image:
    """Choose the colours of all frames: even greys, and a few others, where nearly all is grey."""
    step = max(1, sum(frame[..., 0].size for frame in frames) // SEEN)
    pixels = np.concatenate([frame.reshape(-1, 3)[::step] for frame in frames])
    coloured = pixels[np.ptp(pixels, axis=1) > NEARLY_GREY]
    if len(coloured) > 0.1 * len(pixels):
        return Image.fromarray(pixels[None]).quantize(COLOURS)
    greys = np.rint(np.linspace(0, 255, GREYS)).astype(np.uint8).repeat(3).tolist()
    others = Image.fromarray(coloured[None]).quantize(GREYS).getpalette() if len(coloured) else []
    palette = Image.new("P", (1, 1))
    palette.putpalette(greys + (others or [])[: 3 * GREYS])
    return palette


def _save_webp(path: Path, frames: Sequence[Pixels], durations: list[int]) -> None:
    """Save at the highest quality that keeps the file small enough for a page to load at once."""
    pictures = [Image.fromarray(frame) for frame in frames]
    file = io.BytesIO()
    for quality in WEBP_QUALITIES:
        file = io.BytesIO()
        options = {"duration": durations, "loop": 0, "quality": quality, "method": WEBP_METHOD}
        pictures[0].save(file, "webp", save_all=True, append_images=pictures[1:], **options)
        if file.tell() <= WEBP_BYTES:
            break
    path.write_bytes(file.getvalue())


def _save_mp4(path: Path, frames: Sequence[Pixels], durations: list[int]) -> None:
    program = shutil.which("ffmpeg")
    if program is None:
        raise VaelError("mp4 needs ffmpeg, which is not on this machine: install it, or use .gif or .webp")
    height, width, _ = frames[0].shape
    tick = int(np.gcd.reduce(durations))
    source = f"-f rawvideo -pix_fmt rgb24 -s {width}x{height} -r 1000/{tick} -i -"
    size = "pad=ceil(iw/2)*2:ceil(ih/2)*2"
    target = f"-c:v libx264 -pix_fmt yuv420p -crf {CRF} -movflags +faststart"
    command = [program, "-y", "-loglevel", "error", *source.split(), "-vf", size, *target.split(), str(path)]
    raw = b"".join(frame.tobytes() * (time // tick) for frame, time in zip(frames, durations, strict=True))
    result = subprocess.run(command, input=raw, capture_output=True, check=False)
    if result.returncode:
        lines = result.stderr.decode(errors="replace").strip().splitlines() or ["it gave no reason"]
        raise VaelError(f"cannot write {path}: ffmpeg says: {lines[-1]}")


def captioned(image: Pixels, *, text: str, progress: float, theme: str = "light") -> NDArray[np.uint8]:
    """Return a picture with a strip on top: a text, and below it a thin bar that shows how far the film is.

    Arguments:
        image: `(H, W, 3)` uint8.
        text: One line.
        progress: 0 at the first frame, 1 at the last.
        theme: "light" or "dark".

    Raises:
        VaelError: Another shape, progress outside [0, 1], or an unknown theme.
    """
    from matplotlib.font_manager import FontProperties, findfont

    look, width = find_theme(theme), expect_pixels(image, "H", "W")["W"]
    if not 0 <= progress <= 1:
        raise VaelError(f"progress expects a number in [0, 1], got {progress}")
    strip = Image.new("RGB", (width, STRIP), look.background)
    pen = ImageDraw.Draw(strip)
    font = ImageFont.truetype(findfont(FontProperties(family=FONT)), TEXT)  # Pillow's own has no β and no minus
    while text and pen.textlength(text, font) > width - 8:
        text = text[:-2].rstrip() + "…" if len(text) > 2 else ""
    pen.text((4, (STRIP - BAR) / 2), text, fill=look.ink, font=font, anchor="lm")
    pen.rectangle((0, STRIP - BAR, width, STRIP), fill=look.grid_line)
    done = round(progress * width)
    if done:
        pen.rectangle((0, STRIP - BAR, done - 1, STRIP), fill=look.colour(0))
    return np.concatenate([np.asarray(strip), image])
