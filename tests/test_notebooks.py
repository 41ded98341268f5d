"""The notebooks run from end to end, and what the repository keeps of them is whole, small and tells nothing private.

They are executed as they stand but for the size of what they work on (`SMALLER`): on stand-ins in the formats of the
real data, made from the embedded digits, so that the test runs anywhere.
"""

import gzip
import os
import re
import struct
import zipfile
from io import BytesIO
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image
from sklearn.datasets import load_digits

nbformat = pytest.importorskip("nbformat", reason="pip install 'vael[notebooks]'")
nbclient = pytest.importorskip("nbclient", reason="pip install 'vael[notebooks]'")
pytest.importorskip("ipykernel", reason="pip install 'vael[notebooks]'")

FOLDER = Path(__file__).parents[1] / "docs" / "notebooks"

FIGURES = {
    "01_recognition": 7,
    "02_binary_pixels": 9,
    "03_theory_to_convolution": 4,
    "04_faces_lab": 4,
}
"""The notebooks, and at least how many figures each keeps."""

NOT_KEPT = {"04_faces_lab": 2}
"""How many cells are executed, but their outputs dropped: they show photographs that may not be redistributed."""

SMALLER = {'"mnist"': '"fashion-mnist"', '"data.size": 32': '"data.size": 16', "5 * epochs": "epochs"}
"""A file called MNIST is checked for being MNIST; Fashion-MNIST's format is the same."""

PRIVATE = re.compile(r"/(?:home|Users|tmp|work|root|var|private)/|[A-Z]:\\\\")
MOST_BYTES = 1_600_000
PICTURES = {"image/png", "image/gif", "image/webp"}

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own


def read(name: str):
    return nbformat.read(FOLDER / f"{name}.ipynb", as_version=4)


def code_cells(notebook) -> list:
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def num_figures(notebook) -> int:
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return sum(bool(PICTURES & output.get("data", {}).keys()) for output in outputs)


def is_dropped(cell) -> bool:
    return "not-kept" in cell.metadata.get("tags", [])


def idx(values: NDArray[np.uint8]) -> bytes:
    """Return the bytes of a gzipped IDX file."""
    head = struct.pack(f">HBB{values.ndim}I", 0, 8, values.ndim, *values.shape)
    return gzip.compress(head + values.tobytes())


def jpeg(pixels: NDArray[np.uint8]) -> bytes:
    file = BytesIO()
    Image.fromarray(pixels).resize((64, 64)).save(file, "jpeg")
    return file.getvalue()


@pytest.fixture(scope="module")
def stand_ins(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Make a folder with something of MNIST's format and something of the faces' format."""
    root = tmp_path_factory.mktemp("data")
    digits, labels = map(np.asarray, load_digits(return_X_y=True))
    small = (digits.reshape(-1, 8, 8) * 255 / 16).astype(np.uint8)
    large = np.pad(small.repeat(3, 1).repeat(3, 2), ((0, 0), (2, 2), (2, 2)))
    (root / "fashion-mnist").mkdir()
    for prefix, part in (("train", slice(0, 1500)), ("t10k", slice(1500, None))):
        for kind, values in (("images-idx3", large[part]), ("labels-idx1", labels[part].astype(np.uint8))):
            (root / "fashion-mnist" / f"{prefix}-{kind}-ubyte.gz").write_bytes(idx(values))
    (root / "faces").mkdir()
    with zipfile.ZipFile(root / "faces" / "celeba_stand_in.zip", "w") as archive:
        for number in range(150):
            archive.writestr(f"{number:06d}.jpg", jpeg(small[3 * number : 3 * number + 3].transpose(1, 2, 0)))
    return root


def execute(name: str, folder: Path, data: Path):
    """Execute a notebook in a folder, for one epoch; return it with its outputs."""
    notebook = read(name)
    for cell in code_cells(notebook):
        for large, small in SMALLER.items():
            cell.source = cell.source.replace(large, small)
    env = {**os.environ, "VAEL_EPOCHS": "1", "VAEL_DATA": str(data), "XDG_CACHE_HOME": str(folder)}
    client = nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(folder)}})
    client.execute(env=env)
    return notebook


def loud(notebook) -> list:
    """Errors, and whatever went to stderr."""
    outputs = [output for cell in code_cells(notebook) for output in cell.outputs]
    return [output for output in outputs if output.output_type == "error" or output.get("name") == "stderr"]


def test_every_notebook_is_known() -> None:
    assert {path.stem for path in FOLDER.glob("*.ipynb")} == FIGURES.keys()


@pytest.mark.parametrize("name", FIGURES)
def test_a_notebook_runs_and_shows_its_figures(name: str, tmp_path: Path, stand_ins: Path) -> None:
    notebook = execute(name, tmp_path, stand_ins)
    assert not loud(notebook)
    assert num_figures(notebook) >= FIGURES[name] + NOT_KEPT.get(name, 0)
    assert [path.name for path in tmp_path.iterdir() if path.name != "matplotlib"] == ["runs"]


def test_without_faces_the_lab_takes_the_digits(tmp_path: Path) -> None:
    notebook = execute("04_faces_lab", tmp_path, tmp_path)
    assert not loud(notebook)
    texts = [output.get("text", "") for cell in code_cells(notebook) for output in cell.outputs]
    assert any("CelebA is not here" in text for text in texts)
    assert num_figures(notebook) >= FIGURES["04_faces_lab"]


@pytest.mark.parametrize("name", FIGURES)
def test_a_kept_notebook_is_whole_small_and_tells_nothing_private(name: str) -> None:
    path, notebook = FOLDER / f"{name}.ipynb", read(name)
    nbformat.validate(notebook)
    cells = code_cells(notebook)
    assert [cell.execution_count for cell in cells] == list(range(1, len(cells) + 1)), "kept from one whole execution"
    assert sum(is_dropped(cell) for cell in cells) == NOT_KEPT.get(name, 0)
    assert not [output for cell in cells if is_dropped(cell) for output in cell.outputs]
    assert not loud(notebook)
    assert num_figures(notebook) >= FIGURES[name]
    assert not PRIVATE.search(path.read_text(encoding="utf-8"))
    assert path.stat().st_size < MOST_BYTES
    assert all(set(cell.metadata) <= {"tags"} for cell in notebook.cells)


@pytest.mark.parametrize("name", FIGURES)
def test_a_kept_training_shows_what_it_reached(name: str) -> None:
    for cell in code_cells(read(name)):
        if "vael.train(" in cell.source and not is_dropped(cell):
            texts = ["".join(output.get("data", {}).get("text/plain", "")) for output in cell.outputs]
            assert any(re.search(r"trained in .+ (ELBO|distortion) -?\d", text) for text in texts)
