"""Every address of the studio that answers a question: its good answer, and what it says to nonsense."""

import io
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from exchange import png, sentence, unpack
from fastapi.testclient import TestClient
from PIL import Image

import vael
from vael.studio.guard import LARGEST_BODY

HEADER = '"length, cm","weight ""dry""",höhe\n'


class TestAnswers:
    """What is asked rightly is answered."""

    def test_the_list_of_runs(self, client: TestClient, runs) -> None:
        found = client.get("/api/runs").json()
        assert found["folder"] == str(runs.root)
        assert [run["name"] for run in found["runs"]] == [runs.digits, runs.plane, runs.table]
        assert {run["state"] for run in found["runs"]} == {"finished"}
        assert all(run["elbo_nats"] < 0 and run["sparkline"] for run in found["runs"])

    def test_one_run(self, client: TestClient, runs) -> None:
        found = client.get(f"/api/runs/{runs.digits}").json()
        assert found["observation"] == {"shape": [1, 8, 8], "is_image": True, "columns": []}
        assert (found["latent_dim"], found["has_rate"], found["has_weights"]) == (8, True, True)
        assert found["settings"]["training.epochs"] == "6"
        assert vael.Recipe.from_toml(found["recipe"]).training.epochs == 6
        table = client.get(f"/api/runs/{runs.table}").json()
        assert table["observation"]["columns"] == ["length, cm", 'weight "dry"', "höhe"]

    def test_the_records(self, client: TestClient, runs) -> None:
        assert client.get(f"/api/runs/{runs.digits}/records").json() == vael.load(runs.root / runs.digits).metrics

    def test_the_rates_through_the_training(self, client: TestClient, runs) -> None:
        found = client.get(f"/api/runs/{runs.digits}/rates").json()
        assert found["steps"] == vael.load(runs.root / runs.digits).snapshots.steps()
        assert np.shape(found["rate_per_dim_nats"]) == (len(found["steps"]), 8)
        assert np.min(found["rate_per_dim_nats"]) >= 0

    @pytest.mark.parametrize("name", ["digits", "plane", "table"])
    def test_the_map(self, client: TestClient, runs, name: str) -> None:
        run = vael.load(runs.root / name)
        found = client.get(f"/api/runs/{name}/map").json()
        points = unpack(found["points"])
        assert points.shape == (found["count"], 2) == (len(run.data()), 2)
        assert found["method"] == ("direct" if name == "plane" else "pca")
        np.testing.assert_allclose(unpack(found["rates"]), run.embed().rate_nats)
        if name == "plane":
            np.testing.assert_allclose(points, run.embed().mean)
        if name == "table":
            assert (found["classes"], found["labels"]) == ([], None)
        else:
            assert [found["classes"][label] for label in unpack(found["labels"])] == run.labels()

    def test_the_dimensions(self, client: TestClient, runs) -> None:
        found = client.get(f"/api/runs/{runs.digits}/dimensions").json()["dimensions"]
        rates = [each["rate_nats"] for each in found]
        assert rates == sorted(rates, reverse=True)
        assert sorted(each["dim"] for each in found) == list(range(8))

    def test_an_example_is_what_the_run_says_of_it(self, client: TestClient, runs) -> None:
        found = client.get(f"/api/runs/{runs.digits}/examples/3").json()
        run = vael.load(runs.root / runs.digits)
        inspected = run.inspect([3])
        np.testing.assert_allclose(found["z"], inspected.z_mean[0], rtol=1e-4, atol=1e-5)
        assert found["score_nats"] == pytest.approx(found["rate_nats"] + found["distortion_nats"], rel=1e-5)
        assert found["percentile"] == pytest.approx(float(inspected.percentile[0]), abs=1.0)
        np.testing.assert_array_equal(unpack(found["x"]), run.pixels(run.batch([3]).x.numpy())[0])
        assert len(found["neighbours"]) == 8
        assert 3 not in [each["example"] for each in found["neighbours"]]

    def test_an_examples_picture(self, client: TestClient, runs) -> None:
        answer = client.get(f"/api/runs/{runs.digits}/examples/3.png")
        run = vael.load(runs.root / runs.digits)
        shown = np.asarray(Image.open(io.BytesIO(answer.content)))
        np.testing.assert_array_equal(shown, run.pixels(run.batch([3]).x.numpy())[0])

    def test_samples_repeat_with_their_seed(self, client: TestClient, runs) -> None:
        first, again, other = (
            client.get(f"/api/runs/{runs.digits}/samples.png?seed={seed}").content for seed in (1, 1, 2)
        )
        assert first == again != other

    @pytest.mark.parametrize(("kind", "begin"), [("png", b"\x89PNG"), ("svg", b"<?xml"), ("pdf", b"%PDF")])
    def test_a_figure_in_each_format(self, client: TestClient, runs, kind: str, begin: bytes) -> None:
        kinds = client.get(f"/api/runs/{runs.digits}/figures").json()
        assert {"samples", "curves"} <= set(kinds)
        answer = client.get(f"/api/runs/{runs.digits}/figures/samples.{kind}?theme=dark")
        assert answer.status_code == 200
        assert answer.content.startswith(begin)

    def test_a_moment_of_the_training(self, client: TestClient, runs) -> None:
        step = vael.load(runs.root / runs.plane).snapshots.steps()[-1]
        for kind in ("samples", "embeddings"):
            answer = client.get(f"/api/runs/{runs.plane}/snapshots/{step}/{kind}.png")
            assert answer.headers["content-type"] == "image/png"
            assert min(Image.open(io.BytesIO(answer.content)).size) > 50

    def test_a_walk(self, client: TestClient, runs) -> None:
        ends = {"start": [0.0] * 8, "end": [1.0] * 8, "num_steps": 5}
        found = client.post(f"/api/runs/{runs.digits}/interpolation", json=ends).json()
        np.testing.assert_allclose(found["z"], np.linspace(np.zeros(8), np.ones(8), 5), atol=1e-6)
        assert unpack(found["pictures"]).shape == (5, 8, 8, 3)

    def test_a_picture_from_outside(self, client: TestClient, runs) -> None:
        run = vael.load(runs.root / runs.digits)
        drawn = png()
        plain, inverted = (
            client.post(f"/api/runs/{runs.digits}/inspect", params={"invert": invert}, content=drawn).json()
            for invert in (False, True)
        )
        np.testing.assert_array_equal(unpack(plain["x"]), run.pixels(run.examples_from(drawn).x.numpy())[0])
        assert abs(unpack(plain["x"]).astype(int) + unpack(inverted["x"]) - 255).max() <= 16  # 17 levels
        assert plain["example"] is None

    def test_a_row_from_outside_comes_back_in_the_units_of_the_file(self, client: TestClient, runs) -> None:
        content = f"{HEADER}21.5,43.25,0.001\n1,2,3\n".encode()
        found = client.post(f"/api/runs/{runs.table}/inspect?filename=rows.csv", content=content).json()
        np.testing.assert_allclose(unpack(found["x"]), [21.5, 43.25, 0.001], rtol=1e-4)
        assert found["num_rows"] == 2

    def test_the_recipes_and_their_form(self, client: TestClient) -> None:
        found = client.get("/api/recipes").json()
        assert {"digits", "basic"} <= {recipe["name"] for recipe in found["recipes"]}
        assert [section["title"] for section in found["form"]] == ["Data", "Model", "Objective", "Training"]
        assert any(entry["name"] == "digits" for entry in client.get("/api/datasets").json())

    def test_a_recipe_that_could_be_trained(self, client: TestClient) -> None:
        order = {"recipe": "digits", "settings": ["training.epochs=7", "data.source=my data.csv"]}
        found = client.post("/api/recipes/check", json=order).json()
        assert vael.Recipe.from_toml(found["recipe"]).training.epochs == 7

    def test_the_page(self, client: TestClient) -> None:
        assert "vael studio" in client.get("/").text
        assert client.get("/plotly.js").headers["content-type"].startswith("text/javascript")


ASKED_OF_A_RUN = ["", "/records", "/rates", "/map", "/dimensions", "/examples/0", "/examples/0.png", "/samples.png"]
ASKED_OF_A_RUN += ["/figures", "/figures/samples.png", "/snapshots/1/samples.png"]
TRICKS = ["..", "%2e%2e", "%2e", "..%2foutside", "%2e%2e%2foutside", "..%5coutside", "a%00b", "digits%00", "%00"]
TRICKS += [
    "digits%2f..%2fdigits",
    "digits%2f.",
    "%2fetc",
    ".hidden",
    "~",
    "C:%5c",
    "digits%20",
    "DIGITS%2f",
    "%ff",
    "a" * 5000,
]


class TestNames:
    """A name is a folder's name, never a path."""

    @pytest.fixture
    def beside(self, own: TestClient, scratch: Path) -> TestClient:
        """Put true runs where only a path would find them."""
        for place in (scratch.parent / "outside", scratch / ".hidden", scratch / "digits" / "inner"):
            shutil.copytree(scratch / "table", place)
        return own

    @pytest.mark.parametrize("trick", TRICKS)
    def test_no_trick_reads_changes_or_deletes(self, beside: TestClient, scratch: Path, trick: str) -> None:
        before = sorted(scratch.parent.rglob("*"))
        answers = [beside.get(f"/api/runs/{trick}{rest}") for rest in ASKED_OF_A_RUN]
        answers += [beside.patch(f"/api/runs/{trick}", json={"name": "mine"}), beside.delete(f"/api/runs/{trick}")]
        answers += [beside.post(f"/api/runs/{trick}/{verb}", json={}) for verb in ("stop", "resume", "inspect")]
        assert {answer.status_code for answer in answers} <= {404, 405}
        assert sorted(scratch.parent.rglob("*")) == before

    @pytest.mark.parametrize(
        "name", ["", "..", "../outside", "/tmp/x", "a/b", "a\\b", ".hidden", "a\x00b", "a\nb", "digits", "a" * 101]
    )
    def test_no_new_name_leaves_the_folder(self, own: TestClient, scratch: Path, name: str) -> None:
        answer = own.patch("/api/runs/table", json={"name": name})
        assert answer.status_code in (409, 422)
        assert answer.json()["detail"]
        assert (scratch / "table" / "run.json").exists()
        if name:  # an empty one is numbered
            ordered = own.post("/api/runs", json={"recipe": "digits", "name": name})
            assert sentence(ordered, 422)
            assert ordered.json()["field"] == "name"

    @pytest.mark.parametrize(
        "path", ["/..%2fapp.py", "/%2e%2e/app.py", "/js/..%2f..%2fguard.py", "/%00", "/nothing.js", "/api/nothing"]
    )
    def test_no_path_reads_beside_the_page(self, client: TestClient, path: str) -> None:
        answer = client.get(path)
        assert answer.status_code == 404
        assert "import" not in answer.text


class TestRefusals:
    """What makes no sense is refused with a sentence."""

    @pytest.mark.parametrize("rest", ASKED_OF_A_RUN)
    def test_a_run_that_is_not_there(self, client: TestClient, rest: str) -> None:
        assert "did you mean 'digits'" in sentence(client.get(f"/api/runs/digit{rest}"), 404)

    def test_a_run_that_is_not_there_cannot_be_changed(self, client: TestClient) -> None:
        for verb in ("stop", "resume", "inspect"):
            sentence(client.post(f"/api/runs/digit/{verb}", json={}), 404)
        sentence(client.delete("/api/runs/digit"), 404)
        sentence(client.patch("/api/runs/digit", json={"name": "other"}), 404)

    @pytest.mark.parametrize("rest", ["figures/nothing.png", "snapshots/123456/samples.png", "snapshots/1/nothing.png"])
    def test_a_picture_that_is_not_there(self, client: TestClient, rest: str) -> None:
        assert "there " in sentence(client.get(f"/api/runs/digits/{rest}"), 404)

    @pytest.mark.parametrize("number", ["-100000", "180", "999999999999999999999", "x", "1.5"])
    def test_an_example_that_is_not_there(self, client: TestClient, number: str) -> None:
        sentence(client.get(f"/api/runs/digits/examples/{number}"), 422)
        sentence(client.get(f"/api/runs/digits/examples/{number}.png"), 422)

    def test_a_picture_of_a_row(self, client: TestClient) -> None:
        assert "no pictures" in sentence(client.get("/api/runs/table/examples/0.png"), 422)
        assert "no pictures" in sentence(client.get("/api/runs/table/samples.png"), 422)

    @pytest.mark.parametrize(
        "content", [b"", b"no image", png()[:60], b"\x89PNG\r\n\x1a\n", b"%!PS-Adobe-3.0 EPSF-3.0\n"]
    )
    def test_a_broken_image(self, client: TestClient, content: bytes) -> None:
        answer = client.post("/api/runs/digits/inspect?filename=mine.png", content=content)
        assert sentence(answer, 422).startswith("mine.png ")

    def test_an_image_of_too_many_pixels_is_not_decoded(self, client: TestClient) -> None:
        written = io.BytesIO()
        Image.new("1", (7_000, 7_000)).save(written, "PNG")
        assert len(written.getvalue()) < 10**6  # a bomb
        assert "megapixels" in sentence(client.post("/api/runs/digits/inspect", content=written.getvalue()), 422)

    @pytest.mark.parametrize(
        "content",
        [b"", b"a,b,c\n1,2,3\n", b"1,2\n", b"1,2,x\n", b"1,2,nan\n", b"1,2,inf\n", b"\xff\xfe", b"1,2,1e300\n"],
    )
    def test_a_broken_row(self, client: TestClient, content: bytes) -> None:
        sentence(client.post("/api/runs/table/inspect?filename=mine.csv", content=content), 422)

    def test_too_large_an_upload(self, client: TestClient) -> None:
        assert "32 MB" in sentence(client.post("/api/runs/digits/inspect", content=bytes(LARGEST_BODY + 1)), 413)

    @pytest.mark.parametrize("path", ["/api/runs/digits/inspect", "/api/runs", "/api/recipes/check"])
    def test_too_large_an_upload_that_does_not_say_so(self, client: TestClient, path: str) -> None:
        chunks = (bytes(2**20) for _ in range(40))
        assert "32 MB" in sentence(client.post(path, content=chunks), 413)

    @pytest.mark.parametrize("ends", [
        {"start": [0.0] * 8, "end": [0.0] * 7},
        {"start": [], "end": []},
        {"start": [0.0] * 8, "end": ["x"] * 8},
        {"start": [0.0] * 8, "end": [0.0] * 8, "num_steps": 1},
        {"start": [0.0] * 8, "end": [0.0] * 8, "num_steps": 10**9},
        {"start": [0.0] * 8, "end": [0.0] * 8, "path": "round"},
        {"start": [0.0] * 10**5, "end": [0.0] * 8},
        {},
    ])  # fmt: skip
    def test_a_walk_that_goes_nowhere(self, client: TestClient, ends: dict[str, Any]) -> None:
        sentence(client.post("/api/runs/digits/interpolation", json=ends), 422)

    def test_a_walk_to_infinity(self, client: TestClient) -> None:
        ends = json.dumps({"start": [0.0] * 8, "end": [float("nan")] * 8})
        headers = {"content-type": "application/json"}
        sentence(client.post("/api/runs/digits/interpolation", content=ends, headers=headers), 422)
        sentence(
            client.post("/api/runs/digits/interpolation", content=ends.replace("NaN", "1e999"), headers=headers), 422
        )

    @pytest.mark.parametrize("content", [b"", b"{", b"[]", b"null", b'"x"', b"\xff", b"[" * 10**5])
    def test_a_body_that_is_no_such_json(self, client: TestClient, content: bytes) -> None:
        for path in ("/api/runs", "/api/recipes/check", "/api/runs/digits/interpolation"):
            answer = client.post(path, content=content, headers={"content-type": "application/json"})
            assert answer.status_code in (400, 422)
            sentence(answer, answer.status_code)

    def test_a_method_or_a_theme_that_is_none(self, client: TestClient) -> None:
        assert "method" in sentence(client.get("/api/runs/digits/map?method=magic"), 422)
        assert "theme" in sentence(client.get("/api/runs/digits/figures/samples.png?theme=pink"), 422)
        sentence(client.get("/api/runs/digits/figures/samples.exe"), 422)
        sentence(client.get("/api/runs/digits/map?method=direct"), 422)  # of eight dimensions

    @pytest.mark.parametrize(("setting", "field"), [
        ("training.epochs=x", "training.epochs"),
        ("training.batch_size=-3", "training.batch_size"),
        ("model.latent_dim=0.5", "model.latent_dim"),
        ("model.latent=3", "model.latent"),
        ('training.learning_rate="fast"', "training.learning_rate"),
    ])  # fmt: skip
    def test_a_wrong_value_is_told_by_its_field(self, client: TestClient, setting: str, field: str) -> None:
        order = {"recipe": "digits", "settings": [setting]}
        checked = client.post("/api/recipes/check", json=order).json()
        answer = client.post("/api/runs", json=order)
        assert checked == {"recipe": None, "refusal": {"detail": sentence(answer, 422), "field": field}}
        assert answer.json()["field"] == field

    @pytest.mark.parametrize("recipe", ["", "digit", "../digits", "/etc/passwd", "digits.toml"])
    def test_a_recipe_that_is_none(self, client: TestClient, recipe: str) -> None:
        """A path would let any page of this machine's browser read its files."""
        checked = client.post("/api/recipes/check", json={"recipe": recipe}).json()
        assert checked["recipe"] is None
        assert checked["refusal"]["detail"].startswith(f"unknown recipe '{recipe}'")
        sentence(client.post("/api/runs", json={"recipe": recipe}), 422)

    @pytest.mark.parametrize(
        "order", [{"recipe": "a" * 101}, {"recipe": 3}, {"settings": "x"}, {"settings": ["a=1"] * 201}]
    )
    def test_an_order_of_another_form(self, client: TestClient, order: dict[str, Any]) -> None:
        for path in ("/api/recipes/check", "/api/runs"):
            sentence(client.post(path, json=order), 422)

    def test_a_method_that_an_address_does_not_take(self, client: TestClient) -> None:
        sentence(client.put("/api/runs/digits"), 405)


class TestDamage:
    """One bad folder spoils nothing but itself."""

    @pytest.fixture
    def damaged(self, own: TestClient, scratch: Path) -> TestClient:
        def copy(name: str, change: Callable[[Path], object]) -> None:
            shutil.copytree(scratch / "digits", scratch / name)
            change(scratch / name)

        copy("newer", lambda path: (path / "run.json").write_text('{"format": 99}'))
        copy("broken", lambda path: (path / "run.json").write_text("{"))
        copy("no-recipe", lambda path: (path / "recipe.toml").unlink())
        copy("bad-recipe", lambda path: (path / "recipe.toml").write_text("["))
        copy("bad-weights", lambda path: (path / "model.safetensors").write_bytes(b"\x00" * 100))
        copy("no-weights", lambda path: (path / "model.safetensors").unlink())
        return own

    def test_it_is_listed_with_its_reason(self, damaged: TestClient) -> None:
        found = {run["name"]: run for run in damaged.get("/api/runs").json()["runs"]}
        for name, word in {
            "newer": "newer vael",
            "broken": "damaged",
            "no-recipe": "recipe.toml",
            "bad-recipe": "recipe",
        }.items():
            assert found[name]["state"] == "damaged"
            assert word in found[name]["reason"]
        assert found["digits"]["state"] == "finished"

    @pytest.mark.parametrize("name", ["newer", "broken", "no-recipe", "bad-recipe"])
    def test_opening_it_says_why_not(self, damaged: TestClient, name: str) -> None:
        for rest in ("", "/map", "/examples/0", "/figures/samples.png"):
            sentence(damaged.get(f"/api/runs/{name}{rest}"), 422)
        with damaged.websocket_connect(f"ws://localhost/api/runs/{name}/watch") as socket:
            told = socket.receive_json()
            assert told["final"]
            assert told["detail"]

    @pytest.mark.parametrize("name", ["bad-weights", "no-weights"])
    def test_without_weights_the_rest_is_there(self, damaged: TestClient, name: str) -> None:
        assert damaged.get(f"/api/runs/{name}").json()["has_weights"] is (name == "bad-weights")
        assert damaged.get(f"/api/runs/{name}/records").json()
        answer = damaged.get(f"/api/runs/{name}/map")
        assert "model.safetensors" in sentence(answer, 422)
        assert answer.json()["field"] is None
        with damaged.websocket_connect(f"ws://localhost/api/runs/{name}/decode") as socket:
            assert socket.receive_json()["final"]

    def test_it_can_be_deleted(self, damaged: TestClient, scratch: Path) -> None:
        assert damaged.delete("/api/runs/broken").status_code == 204
        assert not (scratch / "broken").exists()
