"""`vael compress` and `vael decompress`."""

import json as json_module
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from vael.cli.options import Places, open_run
from vael.cli.progress import showing_share
from vael.files import read_file

__all__ = ["compress", "decompress"]

Flag = Annotated[bool, Parameter(negative="")]


def compress(
    run: str,
    data: str | None = None,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    split: str | None = None,
    verify: bool = True,
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Code images losslessly into one file: about as many bits as the run's negative ELBO says.

    For example:

        vael compress levels-1 photos/ --output photos.vael
        vael compress levels-1 --split test --output test.vael
        vael compress levels-1 pictures.npy -o pictures.vael --no-verify

    Parameters
    ----------
    run
        A run's name or path; its model sees pixels as levels, or black and white.
    data
        A folder or zip of images, .npy, .npz, or a name of `vael datasets`. Without it, the run's own data.
    output
        The file to write.
    split
        Which examples of data that have splits; the test split where there is one.
    verify
        Decode the file again and compare, before anything is written.
    json
        Print one JSON object.
    """
    from vael.runs import atomic_path

    opened = open_run(run, places)
    images = opened.exact_images(data, split=split)
    with showing_share(f"coding {output.name}", len(images.x) * (2 if verify else 1)) as on_block:
        found = opened.compress(images, verify=verify, on_block=on_block)
    with atomic_path(output) as temporary:
        temporary.write_bytes(found.content)
    if json:
        print(json_module.dumps({"output": str(output), **found.as_dict()}))
        return
    print(
        f"{output}: {found.count:,} images in {len(found.content):,} bytes, {found.bits_per_dim:.4f} bits per dimension"
    )
    print(
        f"  their own {found.message_bits / 8:,.0f} bytes, to begin with {found.initial_bits / 8:,.0f}, "
        f"header and names {found.overhead_bits / 8:,.0f}; 8 bits each would be {found.num_dims:,}"
    )
    print("  decoded again and compared: the same" if verify else "  not decoded again (--no-verify)")


def decompress(
    run: str,
    file: Path,
    *,
    output: Annotated[Path, Parameter(alias="-o")],
    places: Places | None = None,
    json: Flag = False,
) -> None:
    """Read a file of `vael compress` back: the same pixels.

    For example:

        vael decompress levels-1 photos.vael --output photos/
        vael decompress levels-1 test.vael -o test.npy

    Parameters
    ----------
    run
        The run whose model wrote the file.
    file
        What `vael compress` wrote.
    output
        Where to: a new folder or a .zip for PNG files, .npy or .npz for one array.
    json
        Print one JSON object.
    """
    from vael.cli.outputs import check_new
    from vael.coding.container import Container
    from vael.experiments import write_pixels

    opened = open_run(run, places)
    check_new(output)
    content = read_file(file)
    count = Container.from_bytes(content, str(file)).header.count
    with showing_share(f"reading {file.name}", count) as on_block:
        images = opened.decompress(content, name=str(file), on_block=on_block)
    write_pixels(output, images.x, images.names, is_binary=opened.observation.domain == "binary")
    if json:
        print(json_module.dumps({"output": str(output), "count": len(images.x)}))
        return
    print(f"{output}: {len(images.x):,} images")
