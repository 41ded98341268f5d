"""The verbs of a run, as a hand uses them: in a real browser, on a real server."""

import io
import re
import zipfile
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path

import numpy as np
import pytest
from exchange import drop, png
from PIL import Image

import vael

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
from playwright.sync_api import Page, expect

LINES = """canvas => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  const line = y => [...data.slice(4 * canvas.width * y, 4 * canvas.width * (y + 1))];
  return Array.from({ length: canvas.height }, (_, y) => line(y));
}"""


@pytest.fixture(scope="session")
def works(workshop: Path, serve) -> str:
    """Return the base address of a real studio over the folder of runs to be used."""
    return serve(workshop, "--port", "0").url


def show(page: Page, works: str, run: str, verb: str, query: str = "") -> None:
    page.goto(f"{works}/#/runs/{run}/use?verb={verb}{query}")
    expect(page.get_by_role("navigation", name="What to do with the run")).to_be_visible()


def saved(page: Page, button: str) -> bytes:
    """Click a button that saves a file, and return what it holds."""
    with page.expect_download() as waiting:
        page.get_by_role("button", name=button).click()
    return Path(waiting.value.path()).read_bytes()


def test_a_verb_that_makes_no_sense_says_why(page: Page, works: str, workshop: Path) -> None:
    page.goto(f"{works}/#/runs/digits")
    page.get_by_role("link", name="Use").click()
    colorize = page.get_by_role("link", name="Colorize")
    expect(page.get_by_role("link", name="Detect")).to_have_attribute("aria-current", "page")
    colorize.click()
    with pytest.raises(vael.VaelError) as refusal:
        vael.load(workshop / "digits").colorize([0])
    expect(colorize).to_have_attribute("aria-description", str(refusal.value))
    expect(page.locator(".bench .empty")).to_contain_text(str(refusal.value))
    assert page.url.endswith("use?verb=colorize")


def test_detect_names_the_strangest_and_follows_the_share_of_false_alarms(
    page: Page, works: str, workshop: Path
) -> None:
    show(page, works, "digits", "detect")
    direct = vael.load(workshop / "digits").detect()
    expect(page.get_by_role("heading", name=re.compile("examples (is|are) an?")).first).to_contain_text(
        f"{direct.is_anomaly.sum()} of 180"
    )
    expect(page.locator(".blamed figure").first).to_contain_text(f"#{direct.strangest(1)[0]}")
    expect(page.locator(".blamed canvas")).to_have_count(36)
    expect(page.locator(".histogram .bars path").first).to_be_attached()
    page.get_by_label("False alarms, % of normal examples", exact=True).fill("20")
    many = vael.load(workshop / "digits").detect(false_alarms=0.2)
    expect(page.get_by_text(f"{many.is_anomaly.sum()} of 180 examples are anomalies")).to_be_visible()
    assert "alarms=20" in page.url
    lines = saved(page, "scores.csv").decode().splitlines()
    assert lines[0] == "example,score_nats,p_value,is_anomaly,label"
    assert len(lines) == 181
    assert sum(line.split(",")[3] == "True" for line in lines) == many.is_anomaly.sum()
    np.testing.assert_allclose([float(line.split(",")[1]) for line in lines[1:]], many.score_nats)


def test_detect_takes_a_dropped_picture_and_goes_back(page: Page, works: str) -> None:
    show(page, works, "digits", "detect", "&score=distortion")
    expect(page.get_by_role("combobox", name="Score")).to_have_value("distortion")
    expect(page.get_by_text("of 180 examples")).to_be_visible()
    drop(page, "noise.png", png(), "image/png")
    expect(page.get_by_text("1 of 1 examples is an anomaly")).to_be_visible()
    expect(page.locator(".blamed figure")).to_have_count(1)
    drop(page, "notes.txt", b"no picture")
    expect(page.locator(".controls").get_by_role("alert")).to_contain_text("notes.txt expects an ending")
    page.get_by_role("button", name="Back to the test split").click()
    expect(page.get_by_text("of 180 examples")).to_be_visible()
    expect(page.locator(".controls").get_by_role("alert")).to_be_empty()


def test_detect_marks_the_cell_to_blame_in_a_table(page: Page, works: str) -> None:
    show(page, works, "table", "detect")
    header = '"length, cm","weight ""dry""",höhe\n'
    expect(page.locator(".blamed-rows tbody tr")).to_have_count(12)
    drop(page, "rows.csv", f"{header}20,40,0\n20,40,0.5\n".encode(), "text/csv")
    expect(page.locator(".blamed-rows tbody tr")).to_have_count(2)
    first = page.locator(".blamed-rows tbody tr").first
    expect(first).to_contain_text("#1")
    costs = first.locator("td[title]").evaluate_all(
        "cells => cells.map(cell => parseFloat(cell.title.split('costs ')[1]))"
    )
    assert int(np.argmax(costs)) == 2


def test_denoise_shows_three_of_each_and_follows_the_noise(page: Page, works: str, workshop: Path) -> None:
    show(page, works, "digits", "denoise", "&examples=3+5")
    expect(page.locator(".blamed figure")).to_have_count(2)
    expect(page.locator(".blamed canvas")).to_have_count(6)
    direct = vael.load(workshop / "digits").denoise([3, 5])
    assert direct.before is not None
    assert direct.after is not None
    gain = f"Mean PSNR {direct.before.psnr_db.mean():.2f} → {direct.after.psnr_db.mean():.2f} dB"
    expect(page.get_by_text(gain)).to_be_visible()
    page.get_by_role("combobox", name="Noise").select_option("masking")
    expect(page.get_by_label("Share of what is spoilt", exact=True)).to_have_value("0.3")
    expect(page.get_by_text(gain)).to_be_hidden()
    page.get_by_label("Share of what is spoilt", exact=True).fill("0")
    expect(page.get_by_text("∞")).to_have_count(0)
    expect(page.get_by_text("Mean PSNR – →")).to_be_visible()  # of an image that is not spoilt it is infinite
    numbers = page.get_by_label("Numbers of examples of the test split")
    numbers.fill("3 999")
    numbers.press("Enter")
    expect(page.locator(".controls").get_by_role("alert")).to_contain_text("numbers from 0 to 179")
    drop(page, "noisy.png", png(), "image/png")
    expect(page.get_by_role("heading", name="What came, and mended")).to_be_visible()
    expect(page.locator(".blamed canvas")).to_have_count(2)


def test_inpaint_fills_what_is_painted(page: Page, works: str, workshop: Path) -> None:
    show(page, works, "digits", "inpaint", "&examples=7")
    expect(page.get_by_role("button", name="Bottom")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".fills figure")).to_have_count(6)
    expect(page.get_by_text(re.compile("^50 % hidden"))).to_be_visible()
    page.get_by_role("button", name="Clear").click()
    expect(page.get_by_text("Nothing is hidden yet.")).to_be_visible()
    canvas = page.get_by_role("application")
    box = canvas.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] / 16, box["y"] + box["height"] / 16)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 15 / 16, box["y"] + box["height"] / 16, steps=8)
    page.mouse.up()
    expect(page.get_by_text(re.compile("^1[23] % hidden"))).to_be_visible()  # the first of eight lines
    top, below = (
        page.get_by_role("img", name="Fill 1").evaluate(LINES),
        page.get_by_role("img", name="Original").evaluate(LINES),
    )
    assert top[1:] == below[1:]
    assert top[0] != below[0]
    canvas.press("ArrowDown")
    canvas.press("Space")
    expect(page.get_by_text(re.compile("^14 % hidden"))).to_be_visible()  # one pixel more
    page.get_by_role("button", name="Other fills").click()
    expect(page).to_have_url(re.compile("seed=1"))


def test_inpaint_fills_the_cells_of_a_row_that_are_emptied(page: Page, works: str) -> None:
    show(page, works, "table", "inpaint")
    field = page.get_by_label("höhe")
    expect(page.locator(".holes tbody tr")).to_have_count(3)
    page.get_by_label("length, cm").fill("20")
    page.get_by_label('weight "dry"').fill("40")
    field.fill("")
    row = page.locator("tr.is-hole")
    expect(row).to_have_count(1)
    expect(row).to_contain_text("höhe")
    expect(row.locator("td.number")).to_have_count(5)
    drop(page, "rows.csv", b'"length, cm","weight ""dry""",h\xc3\xb6he\n,40,0\n')
    expect(page.locator("tr.is-hole")).to_contain_text("length, cm")
    assert float(field.input_value()) == pytest.approx(0, abs=1e-6)


def test_colorize_shows_each_example_in_several_colours(page: Page, works: str) -> None:
    show(page, works, "colours", "colorize", "&examples=1+2+3&colourings=2")
    expect(page.get_by_role("heading", name="2 colourings")).to_be_visible()
    expect(page.locator(".colourings canvas")).to_have_count(3 * 4)
    grey = page.get_by_role("img", name="Grey").first.evaluate(LINES)
    assert all(line[0] == line[1] == line[2] for line in grey)
    drop(page, "photo.png", png(12, 12, "RGB"), "image/png")
    expect(page.get_by_text("an image from outside has no original")).to_be_visible()
    expect(page.locator(".colourings canvas")).to_have_count(3)


def test_cluster_shows_centres_members_and_agreement(page: Page, works: str, workshop: Path) -> None:
    show(page, works, "digits", "cluster", "&method=k-means&clusters=4")
    expect(page.locator(".cluster")).to_have_count(4)
    found = vael.load(workshop / "digits").cluster("k-means", 4)
    assert found.agreement is not None
    expect(page.locator(".figures-row")).to_contain_text(f"{found.agreement.nmi:.3f}")
    expect(page.locator(".cluster").first).to_contain_text(f"0 · {found.sizes[0]}")
    member = page.locator(".members a").first
    expect(member).to_have_attribute("href", f"#/runs/digits/explore?example={found.members[0, 0]}")
    page.get_by_label("Clusters", exact=True).fill("6")
    expect(page.locator(".cluster")).to_have_count(6)
    show(page, works, "table", "cluster", "&clusters=3")
    expect(page.get_by_text("no labels to compare with")).to_be_visible()
    expect(page.locator(".blamed-rows tbody tr")).to_have_count(3)


def test_compress_writes_a_file_and_reads_it_back(page: Page, works: str, workshop: Path) -> None:
    pytest.importorskip("constriction")
    show(page, works, "digits", "compress", "&count=20")
    page.get_by_role("button", name="Compress", exact=True).click()
    run = vael.load(workshop / "digits")
    images = run.exact_images().x[:20]
    direct = run.compress(images)
    expect(page.get_by_role("heading", name=f"20 images in {len(direct.content):,} bytes")).to_be_visible()
    shown = Decimal(str(direct.bits_per_dim)).quantize(Decimal("0.0001"), ROUND_HALF_UP)  # as a browser rounds a tie
    expect(page.get_by_text(str(shown))).to_be_visible()
    content = saved(page, "Save the .vael file")
    assert content == direct.content
    drop(page, "mine.vael", content)
    expect(page.get_by_role("heading", name="20 images, the same pixels")).to_be_visible()
    expect(page.locator(".tiles canvas")).to_have_count(20)
    with zipfile.ZipFile(io.BytesIO(saved(page, "Save as PNG files (.zip)"))) as archive:
        first = np.asarray(Image.open(io.BytesIO(archive.read(archive.namelist()[0]))))
    np.testing.assert_array_equal(first, images[0, 0])
    drop(page, "cut.vael", content[:-1])
    expect(page.locator(".controls").get_by_role("alert")).to_contain_text("cut.vael is damaged or cut off")


@pytest.mark.parametrize("verb", ["detect", "denoise", "inpaint", "cluster", "compress"])
def test_on_a_phone_nothing_is_wider_than_the_screen(browser, works: str, verb: str) -> None:
    page = browser.new_page(viewport={"width": 390, "height": 844})
    for run in ("digits", "table"):
        show(page, works, run, verb)
        expect(page.locator(".answer .card, .bench > .empty").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.close()
