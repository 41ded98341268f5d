"""The latent explorer in a real browser: the pointer, the sliders, an example, a walk, the address."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from PIL import Image

import vael
from vael.tasks import decode

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page

PLANE = "#/runs/plane/explore"


def open_map(page: "Page", address: str) -> "Locator":
    page.goto(address)
    page.locator(".axes b").wait_for()
    return page.get_by_role("application")


def pixels(page: "Page") -> Any:
    """What the screen shows, `(H, W)`."""
    shape_and_values = page.evaluate(
        """() => { const canvas = document.querySelector("canvas.screen");
        const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
        return [canvas.height, canvas.width, Array.from(data).filter((_, i) => i % 4 === 0)]; }"""
    )
    height, width, values = shape_and_values
    return np.array(values).reshape(height, width)


def latent_in(page: "Page") -> list[float]:
    before = ""
    page.wait_for_timeout(600)  # the address follows when the pointer rests, later where others use the machine
    while page.url != before:
        before = page.url
        page.wait_for_timeout(600)
    return [float(value) for value in page.url.split("z=")[1].split("&")[0].replace("%2C", ",").split(",")]


def test_the_picture_is_what_the_model_makes_of_the_place_under_the_pointer(
    page: "Page", studio: str, runs: Any
) -> None:
    place = open_map(page, f"{studio}/{PLANE}")
    place.hover(position={"x": 300, "y": 200})
    first = latent_in(page)
    place.hover(position={"x": 360, "y": 200})
    second = latent_in(page)
    assert second[0] > first[0]
    assert second[1] == pytest.approx(first[1], abs=2e-3)
    run = vael.load(runs.root / "plane")
    expected = run.pixels(decode(run.model, np.array(second, np.float32)))[..., 0]
    assert np.abs(pixels(page).astype(int) - expected.astype(int)).max() <= 2  # the address has three decimals


def test_an_address_with_a_latent_shows_that_place(page: "Page", studio: str) -> None:
    open_map(page, f"{studio}/{PLANE}?z=0.5,-1.25")
    page.get_by_text("z = (0.50, −1.25)").wait_for()
    assert latent_in(page) == [0.5, -1.25]


def test_a_slider_moves_one_dimension_and_the_mark_on_the_map(page: "Page", studio: str) -> None:
    open_map(page, f"{studio}/{PLANE}?z=0,0")
    before = pixels(page)
    slider = page.get_by_role("slider", name="z1")
    slider.focus()
    for _ in range(5):
        page.keyboard.press("ArrowRight")
    z = latent_in(page)
    assert z[0] == 0
    assert z[1] > 0.5
    assert np.abs(pixels(page) - before).max() > 0


def answer_late(page: "Page") -> None:
    page.add_init_script(
        """const open = window.WebSocket;
        window.WebSocket = class extends open {
          set onmessage(take) { super.onmessage = (message) => setTimeout(() => take(message), 300); }
        };"""
    )


def press(page: "Page", key: str, times: int) -> None:
    for _ in range(times):
        page.keyboard.press(key)
        page.wait_for_timeout(130)  # an answer comes between two keys, and what it writes 80 ms after it


def test_a_late_answer_takes_back_no_key_of_a_slider(page: "Page", studio: str) -> None:
    answer_late(page)
    open_map(page, f"{studio}/{PLANE}?z=0,0")
    slider = page.get_by_role("slider", name="z1")
    slider.focus()
    press(page, "ArrowRight", 6)
    limit = float(slider.get_attribute("max") or "nan")
    assert latent_in(page) == pytest.approx([0, 6 * limit / 25], abs=2e-3)


def test_a_late_answer_takes_back_no_key_of_the_map(page: "Page", studio: str) -> None:
    place = open_map(page, f"{studio}/{PLANE}?z=0,0")
    page.locator(".place-words").get_by_text("z = (").wait_for()
    place.focus()
    press(page, "ArrowUp", 1)
    step = latent_in(page)[1]
    assert step > 0
    answer_late(page)
    page.reload()
    open_map(page, f"{studio}/{PLANE}?z=0,0")
    page.locator(".place-words").get_by_text("z = (").wait_for()
    place.focus()
    press(page, "ArrowUp", 6)
    assert latent_in(page) == pytest.approx([0, 6 * step], abs=6e-3)  # the address has three decimals


def test_arrow_keys_move_the_place_and_enter_picks_the_example_there(page: "Page", studio: str, runs: Any) -> None:
    there = vael.load(runs.root / "plane").embed().mean[7]
    place = open_map(page, f"{studio}/{PLANE}?z={there[0]:.4f},{there[1]:.4f}")
    page.locator(".place-words").get_by_text("z = (").wait_for()  # keys go on from there
    place.focus()
    page.keyboard.press("ArrowUp")
    z = latent_in(page)
    assert z[0] == pytest.approx(there[0], abs=2e-3)
    assert z[1] > there[1]
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    page.get_by_text("Nearest in latent space").wait_for()
    assert "example=" in page.url


def test_an_example_shows_its_numbers_and_leads_to_its_neighbours(page: "Page", studio: str, runs: Any) -> None:
    open_map(page, f"{studio}/{PLANE}?example=3")
    page.get_by_text("Nearest in latent space").wait_for()
    found = vael.load(runs.root / "plane").inspect([3])
    shown = page.locator(".pair dd").all_inner_texts()
    assert shown[1:] == [f"{value[0]:.2f}" for value in (found.rate_nats, found.distortion_nats, found.score_nats)]
    page.locator(".neighbours button").first.click()
    nearest = int(found.neighbours.indices[0, 0])
    page.get_by_text(f"test {nearest} ·").wait_for()
    assert f"example={nearest}" in page.url


def test_a_walk_between_two_places_plays_and_is_saved(page: "Page", studio: str, tmp_path: Path) -> None:
    place = open_map(page, f"{studio}/{PLANE}?z=0,0")
    page.keyboard.down("Shift")
    place.click(position={"x": 250, "y": 200})
    page.get_by_text("A is set.").wait_for()
    place.click(position={"x": 450, "y": 300})
    page.keyboard.up("Shift")
    page.get_by_role("button", name="Pause").click()
    page.get_by_text("48 steps from A to B, straight.").wait_for()
    step = page.get_by_role("slider", name="Step of the walk")
    step.fill("0")
    first = pixels(page)
    step.fill("47")
    assert np.abs(pixels(page) - first).max() > 0
    with page.expect_download() as download:
        page.get_by_role("button", name="Save strip").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    with Image.open(path) as strip:
        assert strip.size == (8 * 13, 8)  # every fourth of 48 steps, and the last


def test_more_dimensions_than_two_are_seen_through_a_projection_that_is_named(page: "Page", studio: str) -> None:
    place = open_map(page, f"{studio}/#/runs/digits/explore")
    page.get_by_text("the plane of the first two principal components").wait_for()
    place.hover(position={"x": 300, "y": 200})
    assert len(latent_in(page)) == 8
    page.get_by_role("combobox", name="Projection").select_option("tsne")
    page.get_by_text("a blend of the 8 nearest examples").wait_for(timeout=60_000)
    place.hover(position={"x": 320, "y": 220})
    assert len(latent_in(page)) == 8
    assert "method=tsne" in page.url


def test_a_class_can_be_singled_out_and_the_map_saved(page: "Page", studio: str, tmp_path: Path) -> None:
    open_map(page, f"{studio}/{PLANE}")
    chip = page.locator(".legend").get_by_role("button", name="7")
    chip.click()
    assert chip.get_attribute("aria-pressed") == "true"
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the map").click()
    path = tmp_path / download.value.suggested_filename
    download.value.save_as(path)
    with Image.open(path) as picture:
        assert picture.width > 300
        colours = picture.convert("RGB").getcolors(maxcolors=1_000_000)
        assert colours is not None
        assert len(colours) > 50


def test_a_table_shows_the_row_of_the_place(page: "Page", studio: str) -> None:
    place = open_map(page, f"{studio}/#/runs/table/explore")
    place.hover(position={"x": 300, "y": 200})
    page.wait_for_timeout(300)
    names = page.locator(".screen.rows").first.locator("th").all_inner_texts()
    assert names == ["length, cm", 'weight "dry"', "höhe"]
    values = page.locator(".screen.rows").first.locator("td.number").all_inner_texts()
    assert all(value != "–" for value in values)


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_wider_than_the_screen(page: "Page", studio: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": 844})
    open_map(page, f"{studio}/{PLANE}")
    assert page.evaluate("document.documentElement.scrollWidth") <= width
