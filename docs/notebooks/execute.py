"""Execute the notebooks in full and keep their outputs: `python docs/notebooks/execute.py [NAME …]`.

Each runs in a folder of its own that is thrown away. What tells only of this machine and this moment is left out:
times of execution, what goes to stderr. A cell with the tag `not-kept` is executed, and its outputs are dropped.
"""

import os
import sys
import tempfile
from pathlib import Path

import nbformat
from nbclient import NotebookClient

HERE = Path(__file__).resolve().parent
NOT_KEPT = "not-kept"
LIMIT_SECONDS = 3600


def execute(notebook: nbformat.NotebookNode, folder: Path) -> None:
    """Execute a notebook in place, in a folder; raise where a cell does."""
    quiet = {"TQDM_DISABLE": "1", "PYDEVD_DISABLE_FILE_VALIDATION": "1"}
    NotebookClient(
        notebook,
        timeout=LIMIT_SECONDS,
        record_timing=False,
        coalesce_streams=True,
        resources={"metadata": {"path": str(folder)}},
    ).execute(env=os.environ | quiet)


def clean(notebook: nbformat.NotebookNode) -> None:
    """Leave in the file what a reader needs, so that executing it again changes little."""
    kernel = {"display_name": "Python 3", "language": "python", "name": "python3"}
    notebook.metadata = nbformat.from_dict({"kernelspec": kernel, "language_info": {"name": "python"}})
    for cell in notebook.cells:
        tags = cell.metadata.get("tags", [])
        cell.metadata = nbformat.from_dict({"tags": tags} if tags else {})
        if cell.cell_type == "code":
            is_kept = NOT_KEPT not in tags
            cell.outputs = [output for output in cell.outputs if is_kept and output.get("name") != "stderr"]


def main(names: list[str]) -> None:
    """Execute the named notebooks, or all."""
    for path in sorted(HERE.glob("*.ipynb")):
        if names and path.stem not in names:
            continue
        notebook = nbformat.read(path, as_version=4)
        with tempfile.TemporaryDirectory() as folder:
            execute(notebook, Path(folder))
        clean(notebook)
        nbformat.write(notebook, path)


if __name__ == "__main__":
    main(sys.argv[1:])
