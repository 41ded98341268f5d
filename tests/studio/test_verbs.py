"""The verbs of a run over HTTP: each answers what the run itself does, and refuses with its words."""

import base64
import io
import signal
import time
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
from exchange import png, sentence, unpack
from fastapi.testclient import TestClient
from PIL import Image

import vael
from vael.studio.desk import MAX_KEPT, Desk
from vael.studio.uploads import LARGEST_UNPACKED, Upload

MANY_ROWS = 20_000
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


def test_a_desk_keeps_what_it_found_last(workshop: Path) -> None:
    desk, found = Desk(vael.load(workshop / "digits")), []

    def find(key: int) -> int:
        return desk.recall(key, lambda: found.append(key) or key)

    assert [find(key) for key in (1, 1, *range(MAX_KEPT), 1)] == [1, 1, *range(MAX_KEPT), 1]
    assert found == [1, *(key for key in range(MAX_KEPT) if key != 1)]
    find(MAX_KEPT)
    find(0)  # the one used least recently went
    assert found[-2:] == [MAX_KEPT, 0]


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


def base64_of(content: bytes) -> str:
    return base64.b64encode(content).decode()


class TestMending:
    """Denoise, inpaint, colorize: examples by their numbers, or one file."""

    def test_denoise_does_what_the_run_does(self, bench: TestClient, workshop: Path) -> None:
        order = {"examples": [3, 5, -1], "noise": "salt-and-pepper", "amount": 0.2, "seed": 4}
        found = bench.post("/api/runs/digits/denoise", json=order).json()
        run = vael.load(workshop / "digits")
        direct = run.denoise([3, 5, -1], noise={"name": "salt-and-pepper", "share": 0.2}, seed=4)
        assert direct.after is not None
        np.testing.assert_array_equal(unpack(found["seen"]), run.pixels(direct.seen))
        assert abs(unpack(found["mean"]).astype(int) - run.pixels(direct.mean)).max() <= 1
        assert found["after"]["psnr_db"] == pytest.approx(direct.after.psnr_db.tolist(), abs=1e-3)
        assert found["after"]["ssim"] == [None] * 3  # no window fits into 8 pixels
        assert found["examples"] == [3, 5, 179]
        labels = run.labels()
        assert labels is not None
        assert found["labels"][2] == labels[-1]

    def test_the_noise_of_the_training_where_none_is_named(self, bench: TestClient, workshop: Path) -> None:
        found = bench.post("/api/runs/colours/denoise", json={"examples": [0]}).json()
        run = vael.load(workshop / "colours")
        np.testing.assert_array_equal(unpack(found["seen"]), run.pixels(run.denoise([0]).seen))

    def test_a_file_is_mended_as_it_is(self, bench: TestClient) -> None:
        found = bench.post("/api/runs/digits/denoise", json={"file": base64_of(png()), "filename": "a.png"}).json()
        assert (found["x"], found["before"], found["examples"]) == (None, None, None)
        assert unpack(found["mean"]).shape == (1, 8, 8, 3)

    def test_inpaint_leaves_what_is_seen(self, bench: TestClient) -> None:
        mask = np.zeros((8, 8), np.uint8)
        mask[2:4] = 1
        order = {"examples": [7], "mask": base64_of(mask.tobytes()), "num_fills": 3}
        found, again = (bench.post("/api/runs/digits/inpaint", json=order).json() for _ in range(2))
        x, fills = unpack(found["x"])[0], unpack(found["fills"])[:, 0]
        assert fills.shape == (3, 8, 8, 3)
        np.testing.assert_array_equal(fills[:, mask == 0], np.broadcast_to(x[mask == 0], (3, 48, 3)))
        assert (fills[:, mask == 1] != x[mask == 1]).any()
        np.testing.assert_array_equal(unpack(found["observed"])[0, 0], 1 - mask)
        assert found["hidden"] == 0.25
        assert found == again

    def test_inpaint_fills_the_empty_cells_of_rows(self, bench: TestClient, workshop: Path) -> None:
        content = f"{HEADER}20,,0\n".encode()
        more = content + b"21,41,0\n"  # of which the first is taken
        found = bench.post(
            "/api/runs/table/inpaint", json={"file": base64_of(more), "filename": "a.csv", "seed": 2}
        ).json()
        run = vael.load(workshop / "table")
        direct = run.inpaint(run.examples_from(content, may_miss=True), seed=2)
        np.testing.assert_allclose(unpack(found["fills"]), run.in_file_units(direct.fills), rtol=1e-3, atol=1e-6)
        assert unpack(found["observed"]).tolist() == [[1, 0, 1]]

    def test_colorize(self, bench: TestClient, workshop: Path) -> None:
        found = bench.post("/api/runs/colours/colorize", json={"examples": [1, 2], "num_colourings": 3}).json()
        run = vael.load(workshop / "colours")
        direct = run.colorize([1, 2], num_colourings=3)
        assert abs(unpack(found["colourings"]).astype(int) - run.pixels(direct.colourings)).max() <= 1
        assert direct.psnr_db is not None
        np.testing.assert_allclose(found["psnr_db"], direct.psnr_db, rtol=1e-3)

    @pytest.mark.parametrize(("address", "order", "words"), [
        ("digits/denoise", {}, "got neither"),
        ("digits/denoise", {"examples": [0], "file": "aaaa"}, "got both"),
        ("digits/denoise", {"examples": [180]}, "expects 0 … 179"),
        ("digits/denoise", {"examples": [0] * 33}, "examples"),
        ("digits/denoise", {"examples": [0], "noise": "fog"}, "fog"),
        ("digits/denoise", {"examples": [0], "noise": "greyscale"}, "no colours"),
        ("digits/denoise", {"examples": [0], "noise": "masking", "amount": 3}, "share from 0 to 1"),
        ("digits/denoise", {"file": "no base64!"}, "expects base64"),
        ("digits/denoise", {"file": base64_of(b"no image"), "filename": "b.png"}, "b.png"),
        ("digits/inpaint", {"examples": [0], "mask": base64_of(bytes(63))}, "8 × 8 pixels"),
        ("digits/inpaint", {"examples": [0], "num_fills": 0}, "num_fills"),
        ("table/inpaint", {"examples": [0], "mask": base64_of(bytes(3))}, "a mask is of images"),
        ("blind/inpaint", {"examples": [0]}, "density"),
        ("digits/colorize", {"examples": [0]}, "no colours"),
        ("told/denoise", {"file": base64_of(png())}, "conditioned on the label"),
    ])  # fmt: skip
    def test_what_is_refused(self, bench: TestClient, address: str, order: dict[str, Any], words: str) -> None:
        assert words in sentence(bench.post(f"/api/runs/{address}", json=order), 422)


class TestCluster:
    """Groups of the default split."""

    def test_clusters_of_images(self, bench: TestClient, workshop: Path) -> None:
        found = bench.get("/api/runs/digits/clusters?method=k-means&num_clusters=5&seed=1").json()
        run = vael.load(workshop / "digits")
        direct = run.cluster("k-means", 5, num_members=8, seed=1)
        labels = run.labels()
        assert labels is not None
        assert direct.agreement is not None
        assert [each["size"] for each in found["clusters"]] == direct.sizes.tolist()
        assert found["clusters"][0]["members"] == direct.members[0].tolist()
        assert (found["clusters"][0]["label"], found["clusters"][0]["share"]) == direct.majorities(labels)[0]
        assert found["agreement"]["accuracy"] == pytest.approx(direct.agreement.accuracy)
        members = [number for each in found["clusters"] for number in each["members"]]
        np.testing.assert_array_equal(unpack(found["pictures"]), run.pixels(run.batch(members).x.numpy()))

    def test_clusters_of_rows(self, bench: TestClient, workshop: Path) -> None:
        found = bench.get("/api/runs/table/clusters?num_clusters=2").json()
        run = vael.load(workshop / "table")
        centers = run.in_file_units(run.cluster(num_clusters=2).decoded)
        np.testing.assert_allclose(unpack(found["centers"]), centers, rtol=1e-3, atol=1e-5)
        assert (found["pictures"], found["agreement"]) == (None, None)
        assert all(each["label"] is None and each["share"] is None for each in found["clusters"])

    @pytest.mark.parametrize(("address", "words"), [
        ("digits/clusters?method=prior", "gaussian-mixture prior"),
        ("digits/clusters?method=magic", "method"),
        ("digits/clusters?num_clusters=0", "num_clusters"),
        ("told/clusters", "told the label"),
    ])  # fmt: skip
    def test_what_is_refused(self, bench: TestClient, address: str, words: str) -> None:
        assert words in sentence(bench.get(f"/api/runs/{address}"), 422)


class TestCompress:
    """One file, and back."""

    @pytest.fixture(autouse=True)
    def _coder(self) -> None:
        pytest.importorskip("constriction")

    def test_the_first_images_come_back(self, bench: TestClient, workshop: Path) -> None:
        found = bench.post("/api/runs/digits/compress?count=12").json()
        run = vael.load(workshop / "digits")
        content = base64.b64decode(found["content"])
        assert content == run.compress(run.exact_images().x[:12]).content
        assert (found["count"], found["available"], found["bytes"]) == (12, 180, len(content))
        assert found["message_bits"] + found["initial_bits"] + found["overhead_bits"] == 8 * len(content)
        back = bench.post("/api/runs/digits/decompress?filename=a.vael", content=content).json()
        np.testing.assert_array_equal(unpack(back["pictures"]), run.pixels(run.batch(list(range(12))).x.numpy()))
        with zipfile.ZipFile(io.BytesIO(base64.b64decode(back["content"]))) as archive:
            first = np.asarray(Image.open(io.BytesIO(archive.read(archive.namelist()[0]))))
        np.testing.assert_array_equal(first, run.exact_images().x[0, 0])

    def test_the_names_of_a_zip_come_back(self, bench: TestClient) -> None:
        dark = io.BytesIO()
        Image.fromarray(np.arange(64, dtype=np.uint8).reshape(8, 8) % 17).save(dark, "PNG")
        for name, content in (("two.zip", zipped(**{"b.png": dark.getvalue()})), ("b.png", dark.getvalue())):
            found = bench.post(f"/api/runs/digits/compress?filename={name}", content=content).json()
            back = bench.post("/api/runs/digits/decompress", content=base64.b64decode(found["content"])).json()
            assert back["names"] == ["b.png"]

    @pytest.mark.parametrize(("address", "content", "words"), [
        ("table/compress", b"", "data of table are a table"),
        ("blind/compress", b"", "density"),
        ("digits/compress?filename=a.png", png(), "the model codes 8 × 8 L"),
        ("digits/compress?filename=a.csv", b"1,2", "expects an ending"),
        ("digits/compress?count=0", b"", "count"),
        ("digits/decompress?filename=a.vael", b"", "a.vael is no file of"),
        ("digits/decompress?filename=a.vael", b"x" * 99, "a.vael is no file of"),
    ])  # fmt: skip
    def test_what_is_refused(self, bench: TestClient, address: str, content: bytes, words: str) -> None:
        assert words in sentence(bench.post(f"/api/runs/{address}", content=content), 422)

    def test_another_runs_file(self, bench: TestClient) -> None:
        content = base64.b64decode(bench.post("/api/runs/digits/compress?count=1").json()["content"])
        assert "was written with the model" in sentence(bench.post("/api/runs/told/decompress", content=content), 422)


def test_long_work_does_not_hold_the_others_up(studio: str) -> None:
    """While one run's examples are scored, which takes seconds, another address answers."""
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.post, f"{studio}/api/runs/digits/detect?score=regret", timeout=120)
        answered = 0
        while not slow.done():
            assert httpx.get(f"{studio}/api/runs", timeout=10).status_code == 200
            answered += 1
        assert slow.result().status_code == 200
    assert answered > 3


def test_closing_the_studio_while_it_works_is_no_mistake(runs: Any, serve: Any) -> None:
    """So many rows take many seconds: the server waits for two, and then cuts them off."""
    served, rows = serve(runs.root, "--port", "0"), HEADER + "20,40,0.001\n" * MANY_ROWS
    address = f"{served.url}/api/runs/table/detect?score=regret&false_alarms=0.1&filename=many.csv"
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(httpx.post, address, content=rows.encode(), timeout=120)
        time.sleep(1)
        assert not slow.done()
        served.process.send_signal(signal.SIGINT)
        said = served.process.stderr.read()
        assert slow.exception() is not None or slow.result().status_code >= 500  # it was cut off, not waited for
    assert "Traceback" not in said
