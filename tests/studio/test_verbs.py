"""The verbs of a run over HTTP: each answers what the run itself does, and refuses with its words."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest
from exchange import png, sentence, unpack
from fastapi.testclient import TestClient

import vael
from vael.studio.uploads import LARGEST_UNPACKED, Upload

HEADER = '"length, cm","weight ""dry""",höhe\n'


def zipped(**files: bytes) -> bytes:
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return written.getvalue()


class TestOffers:
    """Which verbs there are for a run, in the words of what refuses them."""

    def test_a_run_of_grey_images(self, bench: TestClient, workshop: Path) -> None:
        found = bench.get("/api/runs/digits/verbs").json()
        with pytest.raises(vael.VaelError) as refusal:
            vael.load(workshop / "digits").colorize([0])
        assert found["verbs"] == dict.fromkeys(found["verbs"]) | {"colorize": str(refusal.value)}
        assert list(found["verbs"]) == ["detect", "denoise", "inpaint", "colorize", "cluster", "compress"]
        assert (found["split"], found["count"], found["default_score"]) == ("test", 180, "nll")
        assert [noise["name"] for noise in found["noises"]] == ["gaussian", "salt-and-pepper", "masking"]
        assert found["noises"][0] == {"name": "gaussian", "option": "sigma", "default": 0.5}
        lower = unpack(found["regions"]["bottom"])
        assert lower.shape == (8, 8)
        assert lower[4:].all()
        assert not lower[:4].any()

    def test_a_run_of_a_table(self, bench: TestClient) -> None:
        found = bench.get("/api/runs/table/verbs").json()
        refused = {verb: words for verb, words in found["verbs"].items() if words}
        assert set(refused) == {"colorize", "compress"}
        assert refused["compress"] == "lossless coding is of images, the data of table are a table"
        assert (found["default_score"], found["regions"]) == ("exemplar", {})

    def test_a_run_without_a_density(self, bench: TestClient) -> None:
        found = bench.get("/api/runs/blind/verbs").json()
        assert "density" in found["verbs"]["inpaint"]
        assert "density" in found["verbs"]["compress"]
        assert found["default_score"] == "distortion"
        assert next(score["misfit"] for score in found["scores"] if score["name"] == "rate")

    def test_a_run_that_is_told_the_label(self, bench: TestClient) -> None:
        found = bench.get("/api/runs/told/verbs").json()
        assert "told the label" in found["verbs"]["cluster"]
        assert found["labels"] == [str(digit) for digit in range(10)]

    def test_the_noise_of_the_training_comes_first(self, bench: TestClient) -> None:
        found = bench.get("/api/runs/colours/verbs").json()
        assert found["noises"][0] == {"name": "greyscale", "option": None, "default": None}
        assert found["verbs"]["colorize"] is None

    def test_a_run_that_saw_everything(self, bench: TestClient, workshop: Path) -> None:
        """Without a split that was held back nothing says what is normal."""
        settings = {"training.epochs": 1, "data.valid_fraction": 0, "data.test_fraction": 0}
        source = str(workshop.parent / "colours.npy")
        vael.train(source, settings=settings, runs=workshop, name="all-seen", on_record=lambda record: None)
        found = bench.get("/api/runs/all-seen/verbs").json()
        assert "has seen its train split" in found["verbs"]["detect"]
        assert found["normal_examples"] == 0


class TestDetect:
    """What does not belong."""

    def test_the_runs_own_examples(self, bench: TestClient, workshop: Path) -> None:
        found = bench.post("/api/runs/digits/detect", params={"score": "rate", "false_alarms": 0.05}).json()
        run = vael.load(workshop / "digits")
        direct = run.detect(score="rate", false_alarms=0.05)
        np.testing.assert_allclose(unpack(found["score_nats"]), direct.score_nats)
        np.testing.assert_allclose(unpack(found["p_values"]), direct.p_values)
        assert found["anomalies"] == int(direct.is_anomaly.sum()) > 0
        assert found["threshold_nats"] == pytest.approx(direct.threshold_nats)
        strangest = direct.strangest(12)
        assert [each["example"] for each in found["strangest"]] == strangest.tolist()
        np.testing.assert_array_equal(unpack(found["x"]), run.pixels(run.batch(strangest.tolist()).x.numpy()))
        assert unpack(found["heat"]).shape == (12, 8, 8, 3)
        assert found["labels"] == run.labels()

    def test_another_share_of_false_alarms_changes_the_threshold_alone(self, bench: TestClient) -> None:
        few, many = (bench.post(f"/api/runs/digits/detect?false_alarms={share}").json() for share in (0.01, 0.2))
        assert few["score_nats"] == many["score_nats"]
        assert few["threshold_nats"] > many["threshold_nats"]
        assert few["anomalies"] < many["anomalies"]

    @pytest.mark.parametrize("ending", ["zip", "npy", "png"])
    def test_images_from_outside(self, bench: TestClient, workshop: Path, tmp_path: Path, ending: str) -> None:
        array = io.BytesIO()
        np.save(array, np.random.default_rng(1).integers(0, 256, (5, 12, 12, 3), np.uint8))
        images = zipped(**{"a.png": png(mode="RGB"), "b.png": png(9, 9)})
        content = {"zip": images, "npy": array.getvalue(), "png": png()}[ending]
        path = tmp_path / f"mine.{ending}"
        path.write_bytes(content)
        query = {"filename": path.name, "false_alarms": 0.1}
        found = bench.post("/api/runs/colours/detect", params=query, content=content).json()
        direct = vael.load(workshop / "colours").detect(path, false_alarms=0.1)
        np.testing.assert_allclose(unpack(found["score_nats"]), direct.score_nats)
        assert found["count"] == {"zip": 2, "npy": 5, "png": 1}[ending]
        assert (found["is_own"], found["labels"]) == (False, None)

    def test_a_picture_of_noise_is_strange_to_a_run_of_digits(self, bench: TestClient) -> None:
        found = bench.post("/api/runs/digits/detect?filename=noise.png", content=png()).json()
        assert found["count"] == found["anomalies"] == 1
        assert unpack(found["score_nats"])[0] > max(unpack(found["calibration"]["score_nats"]))

    def test_rows_from_outside_and_the_column_to_blame(self, bench: TestClient) -> None:
        content = f"{HEADER}20,40,0.5\n20,40,0\n".encode()
        found = bench.post("/api/runs/table/detect?filename=rows.csv&false_alarms=0.1", content=content).json()
        assert [each["example"] for each in found["strangest"]] == [0, 1]
        assert unpack(found["nats"])[0].argmax() == 2  # höhe is a thousandth elsewhere
        assert unpack(found["heat"])[0].argmax() == 2
        np.testing.assert_allclose(unpack(found["x"])[0], [20, 40, 0.5], rtol=1e-4)

    def test_a_model_that_must_be_told(self, bench: TestClient) -> None:
        address = "/api/runs/told/detect?filename=a.png&score=distortion"
        assert "is conditioned on the label" in sentence(bench.post(address, content=png()), 422)
        assert bench.post(f"{address}&label=3", content=png()).json()["count"] == 1

    @pytest.mark.parametrize(("query", "words"), [
        ("score=magic", "unknown score"),
        ("false_alarms=0.001", "resolve false alarms"),
        ("false_alarms=2", "a share between 0 and 1"),
        ("false_alarms=nan", "a share between 0 and 1"),
    ])  # fmt: skip
    def test_what_is_refused(self, bench: TestClient, query: str, words: str) -> None:
        assert words in sentence(bench.post(f"/api/runs/digits/detect?{query}"), 422)

    @pytest.mark.parametrize(("name", "content", "words"), [
        ("a.exe", b"MZ", "expects an ending"),
        ("../../etc/passwd", b"x", "expects an ending"),
        ("a.zip", b"no zip", "is not a whole zip file"),
        ("a.zip", zipped(note=b"no image"), "expects images"),
        ("a.zip", zipped(**{"a.png": png()}), "has 256 levels, the model knows 17"),
        ("a.npy", b"no array", "is not a whole NumPy file"),
        ("a.csv", b"1,2\n3,4\n", "got a table"),
        ("b\nc.png", b"no image", "b c.png"),
    ])  # fmt: skip
    def test_a_file_that_makes_no_sense(self, bench: TestClient, name: str, content: bytes, words: str) -> None:
        told = sentence(bench.post("/api/runs/digits/detect", params={"filename": name}, content=content), 422)
        assert words in told
        assert "vael-studio-" not in told  # where it lay is nobody's business

    def test_a_zip_that_unpacks_to_too_much_is_not_unpacked(self) -> None:
        bomb = Upload(zipped(**{"a.png": bytes(LARGEST_UNPACKED + 1)}), "bomb.zip")
        assert len(bomb.content) < 10**6
        with pytest.raises(vael.VaelError, match="unpacks to"), bomb.as_file(".zip"):
            pytest.fail("it was written")
