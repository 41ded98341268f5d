"""Draw or drop, as a hand does it: in a real browser, on a real server."""

import io
import re
from typing import TYPE_CHECKING

import numpy as np
import pytest
from exchange import drop
from PIL import Image

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
from playwright.sync_api import Page, expect

if TYPE_CHECKING:
    from playwright.sync_api import Locator

SEVEN = [(0.25, 0.2), (0.75, 0.2), (0.45, 0.85)]
PIXELS = """canvas => {
  const image = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return { size: [canvas.height, canvas.width], data: [...image.data] };
}"""


AT_ONCE = "rows => rows.map(row => [row.textContent, row.querySelector('b')?.textContent ?? ''])"


def show(page: Page, studio: str, run: str, query: str = "") -> None:
    page.goto(f"{studio}/#/runs/{run}/draw{query}")
    expect(page.locator(".draw-grid")).to_be_visible()


def stroke(page: Page, points: list[tuple[float, float]]) -> None:
    box = page.locator("canvas.ink").bounding_box()
    assert box is not None
    places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in points]
    page.mouse.move(*places[0])
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*place, steps=5)
    page.mouse.up()


def term(page: Page, name: str) -> "Locator":
    return page.locator(".terms > div", has_text=re.compile(f"^{name}")).locator("b")


def number(text: str) -> float:
    return float(text.replace("−", "-").replace(",", ""))


def seen(page: Page) -> np.ndarray:
    """Return the pixels of what the model sees, `(H, W)`."""
    canvas = page.get_by_role("img", name="What the model sees")
    expect(canvas).to_be_visible()
    found = canvas.evaluate(PIXELS)
    return np.array(found["data"]).reshape(*found["size"], 4)[:, :, 0]


def test_a_drawing_is_described_while_it_is_drawn(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.digits)
    expect(page.get_by_text("Draw here")).to_be_visible()
    expect(term(page, "Score")).to_have_text("–")
    before = page.locator(".draw-grid").bounding_box()
    stroke(page, SEVEN)
    expect(page.get_by_text("Draw here")).to_be_hidden()
    expect(term(page, "Score")).not_to_have_text("–")
    told = page.locator(".terms > div").evaluate_all(AT_ONCE)  # the numbers still move: all of one moment
    score, rate, distortion = (
        next(number(value) for text, value in told if text.startswith(name)) for name in ("Score", "Rate", "Distortion")
    )
    assert score == pytest.approx(rate + distortion, abs=0.02)
    expect(page.get_by_text(re.compile(r"stranger than [\d.]+ % of the test examples", re.I))).to_be_visible()
    expect(page.locator(".ring")).to_be_visible()
    neighbour = page.locator(".near a").first
    expect(neighbour).to_have_attribute("href", re.compile(r"#/runs/digits/explore\?example=\d+"))
    expect(neighbour.locator("img")).to_be_visible()
    ink = seen(page)
    assert ink.shape == (8, 8)
    assert ink[1, 2:6].min() > 100 > ink[6, 6:].max()  # the bar of the seven, and the ground beside its foot
    assert page.locator(".draw-grid").bounding_box() == before  # nothing jumped


def test_the_answer_follows_the_pen_before_it_is_lifted(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.digits)
    box = page.locator("canvas.ink").bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 60, box["y"] + 60)
    page.mouse.down()
    page.mouse.move(box["x"] + 160, box["y"] + 60, steps=5)
    expect(term(page, "Score")).not_to_have_text("–")
    first = term(page, "Score").inner_text()
    page.mouse.move(box["x"] + 160, box["y"] + 250, steps=5)
    expect(term(page, "Score")).not_to_have_text(first)
    page.mouse.up()


def test_undo_takes_a_stroke_back_and_clear_all(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.digits)
    stroke(page, SEVEN)
    expect(term(page, "Score")).not_to_have_text("–")
    page.wait_for_timeout(300)
    first = term(page, "Score").inner_text()
    stroke(page, [(0.3, 0.6), (0.7, 0.6)])
    expect(term(page, "Score")).not_to_have_text(first)
    page.get_by_role("button", name="Undo").click()
    expect(term(page, "Score")).to_have_text(first)
    page.get_by_role("button", name="Clear").click()
    expect(term(page, "Score")).to_have_text("–")
    expect(page.get_by_text("Draw here")).to_be_visible()
    expect(page.get_by_role("button", name="Undo")).to_be_disabled()


def test_a_picture_dropped_anywhere_is_seen_and_can_be_inverted(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.digits)
    paper = np.full((64, 64), 255, np.uint8)
    paper[8:56, 28:36] = 0  # dark ink on light paper
    written = io.BytesIO()
    Image.fromarray(paper).save(written, "PNG")
    drop(page, "photo.png", written.getvalue(), "image/png")
    expect(page.get_by_role("heading", name="photo.png")).to_be_visible()
    expect(term(page, "Score")).not_to_have_text("–")
    assert seen(page)[0, 0] == 255
    first = term(page, "Score").inner_text()
    page.get_by_label("Invert").check()
    expect(term(page, "Score")).not_to_have_text(first)
    assert seen(page)[0, 0] == 0
    page.get_by_role("button", name="Back to drawing").click()
    expect(page.get_by_label("Invert")).not_to_be_checked()
    expect(term(page, "Score")).to_have_text("–")


def test_what_is_no_picture_is_said_where_it_was_dropped(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.digits)
    drop(page, "notes.txt", b"no picture")
    expect(page.locator(".input").get_by_role("alert")).to_have_text(
        re.compile(r"notes\.txt is broken \(not an image\)")
    )
    page.get_by_role("button", name="Back to drawing").click()
    expect(page.locator(".input").get_by_role("alert")).to_be_empty()


def test_an_example_is_looked_at_and_stands_in_the_address(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.digits)
    page.get_by_label("Number of an example").fill("7")
    page.get_by_role("button", name="Use", exact=True).click()
    expect(page.get_by_role("heading", name="example 7")).to_be_visible()
    expect(term(page, "Score")).not_to_have_text("–")
    assert page.url.endswith("?example=7")
    score = term(page, "Score").inner_text()
    show(page, studio, runs.plane)
    show(page, studio, runs.digits, "?example=7")
    expect(term(page, "Score")).to_have_text(score)


def test_a_row_answers_to_a_changed_value(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.table)
    field = page.get_by_label("length, cm")
    expect(field).not_to_have_value("")
    expect(term(page, "Score")).not_to_have_text("–")
    field.fill("1000")
    expect(page.get_by_text("Stranger than 100.0 %")).to_be_visible()
    row = page.locator("tr", has=field)
    value, mean, difference = 1000.0, *(number(text) for text in row.locator("td.number").all_inner_texts())
    assert difference == pytest.approx(mean - value, rel=0.1)
    field.fill("")
    expect(field).to_have_attribute("aria-invalid", "true")


def test_of_a_dropped_table_the_first_row_is_taken_and_the_rest_counted(page: Page, studio: str, runs) -> None:
    show(page, studio, runs.table)
    header = 'höhe;extra;length, cm;"weight ""dry"""'
    rows = [f"0.001;x;{20 + i / 1000};40" for i in range(1500)]
    drop(page, "many.csv", "\n".join([header, *rows]).encode())
    expect(page.get_by_text("many.csv: the first of its 1,500 rows")).to_be_visible()
    expect(page.get_by_label("length, cm")).to_have_value("20")
    expect(page.get_by_label("höhe")).to_have_value("0.001")


def test_on_a_phone_nothing_is_wider_than_the_screen_and_a_finger_draws(browser, studio: str, runs) -> None:
    context = browser.new_context(viewport={"width": 390, "height": 844}, has_touch=True, is_mobile=True)
    page = context.new_page()
    for run in (runs.digits, runs.table):
        show(page, studio, run)
        expect(page.locator(".dims .track").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") == 390
    show(page, studio, runs.digits)
    page.locator("canvas.ink").tap(position={"x": 100, "y": 100})  # once it stands still
    expect(term(page, "Score")).not_to_have_text("–")
    expect(page.locator("canvas.ink")).to_have_css("touch-action", "none")
    context.close()
