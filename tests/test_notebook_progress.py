"""What a notebook shows of a training: with a real kernel, and every state on its way with a stand-in for it."""

import re
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

import vael
from vael.errors import VaelError
from vael.experiments.notebook import in_notebook

QUICK = {"training.epochs": 2, "training.batch_size": 256}
REACHED = re.compile(r"digits-1</b> · trained in \d.* · test ELBO (-\d+\.\d\d) = -\(rate (\d+\.\d\d) \+ distortion")


class Notebook:
    """Stand in for IPython's display; keep all that was shown, in order."""

    def __init__(self) -> None:
        self.shown: list[dict[str, str]] = []

    def display(self, data: dict[str, str], *, raw: bool, display_id: bool) -> "Notebook":
        assert raw
        assert display_id
        self.shown.append(data)
        return self

    def update(self, data: dict[str, str], *, raw: bool) -> None:
        assert raw
        self.shown.append(data)


@pytest.fixture
def notebook(monkeypatch: pytest.MonkeyPatch) -> Notebook:
    board = Notebook()
    ipython, display = ModuleType("IPython"), ModuleType("IPython.display")
    vars(ipython)["get_ipython"] = lambda: SimpleNamespace(kernel=object())
    vars(display)["display"] = board.display
    monkeypatch.setitem(sys.modules, "IPython", ipython)
    monkeypatch.setitem(sys.modules, "IPython.display", display)
    monkeypatch.setattr("vael.experiments.notebook.LEAST_SECONDS", 0.0)
    return board


def test_a_process_without_a_kernel_is_no_notebook(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "IPython", None)
    assert not in_notebook()
    terminal = ModuleType("IPython")
    vars(terminal)["get_ipython"] = SimpleNamespace  # IPython in a terminal: a shell, and no kernel
    monkeypatch.setitem(sys.modules, "IPython", terminal)
    assert not in_notebook()


def test_every_state_is_shown_and_one_line_stays(notebook: Notebook, tmp_path: Path) -> None:
    run = vael.train("digits", settings=QUICK, runs=tmp_path, name="a<b")
    first, *_, last = notebook.shown
    assert first["text/plain"] == "a<b · epoch 0/2"
    under_way = [shown for shown in notebook.shown if "epoch 2/2" in shown["text/plain"]][-1]
    assert "width: 100.0%" in under_way["text/html"]
    assert re.search(r"epoch 2/2 · [\d,]+ examples/s\n  train  ELBO -.*\n  valid  ELBO -", under_way["text/plain"])
    assert f"test ELBO {run.info['results']['elbo_nats']:.2f} =" in last["text/plain"]
    assert last["text/html"].startswith("<div><b>a&lt;b</b> · trained in ")
    assert all(shown.keys() == {"text/html", "text/plain"} for shown in notebook.shown)


def test_a_listener_takes_the_place_of_the_display(notebook: Notebook, tmp_path: Path) -> None:
    records = []
    vael.train("digits", settings=QUICK, runs=tmp_path, on_record=records.append)
    assert records
    assert not notebook.shown


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"objective.name": "autoencoder", "model.posterior.name": "point"}, r"test distortion \d+\.\d\d nats$"),
        ({"training.epochs": 1, "training.batch_size": 2000}, r"test ELBO -\d"),
    ],
    ids=["no rate", "one step"],
)
def test_any_training_has_a_last_line(notebook: Notebook, tmp_path: Path, settings: dict, expected: str) -> None:
    vael.train("digits", settings=QUICK | settings, runs=tmp_path)
    assert re.search(expected, notebook.shown[-1]["text/plain"])


def test_the_closed_form_shows_its_evidence(notebook: Notebook, tmp_path: Path) -> None:
    settings = {"data.treatment": "grey", "model.latent_dim": 8}
    vael.train("digits", recipe="pca", settings=settings, runs=tmp_path)
    assert "train  ELBO " in notebook.shown[1]["text/plain"]
    assert "trained in" in notebook.shown[-1]["text/plain"]


def test_a_training_that_fails_says_where(notebook: Notebook, tmp_path: Path) -> None:
    hot = {"training.learning_rate": 1e30, "training.snapshots": 0}
    with pytest.raises(VaelError, match="not finite"):
        vael.train("digits", settings=QUICK | hot, runs=tmp_path, name="hot")
    assert re.fullmatch(r"hot · failed at epoch \d/2", notebook.shown[-1]["text/plain"])


def test_resuming_shows_itself_too(notebook: Notebook, tmp_path: Path) -> None:
    run = vael.train("digits", settings=QUICK, runs=tmp_path)
    notebook.shown.clear()
    vael.resume(run.path, epochs=3)
    assert any("epoch 3/3" in shown["text/plain"] for shown in notebook.shown)
    assert "trained in" in notebook.shown[-1]["text/plain"]


@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of Jupyter's own
def test_a_real_kernel_keeps_the_line_in_the_notebook(tmp_path: Path) -> None:
    nbformat = pytest.importorskip("nbformat", reason="pip install 'vael[notebooks]'")
    nbclient = pytest.importorskip("nbclient", reason="pip install 'vael[notebooks]'")
    pytest.importorskip("ipykernel", reason="pip install 'vael[notebooks]'")
    source = 'import vael\nrun = vael.train("digits", settings={"training.epochs": 1})\nrun'
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    nbclient.NotebookClient(notebook, timeout=300, resources={"metadata": {"path": str(tmp_path)}}).execute()
    board, shown_run = notebook.cells[0].outputs
    found = REACHED.search(board.data["text/html"])
    assert found is not None
    assert found[1] in board.data["text/plain"]
    assert f"ELBO {found[1]} =" in shown_run.data["text/html"]
    elbo = vael.load(tmp_path / "runs" / "digits-1").info["results"]["elbo_nats"]
    assert found[1] == f"{elbo:.2f}"
