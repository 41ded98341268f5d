"""A run watched in a real browser: records and snapshots as they are written, the slider, warnings, and how it ends."""

import json
import re
import shutil
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")

from playwright.sync_api import expect

from vael.runs import Record, RunFolder

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, WebSocketRoute

PROMPT = 1.0  # seconds in which a record must be on the page
EPOCHS = 6


@dataclass
class Growing:
    """Stand in for a training of 6 epochs: a run whose lock is held here, and that grows when a test says so.

    Arguments:
        folder: A copy of a trained run.
    """

    folder: RunFolder
    _kept: list[dict[str, Any]] = field(init=False)
    _later: list[Path] = field(init=False)
    _lock: ExitStack = field(default_factory=ExitStack, init=False)

    def __post_init__(self) -> None:
        path = self.folder.path
        self._kept = self.folder.metrics()
        self.steps_per_epoch = self._kept[-1]["step"] // EPOCHS
        self._later = sorted((path / "snapshots").iterdir())[6:]
        for each in self._later:
            each.rename(path / each.name)
        (path / "timings.jsonl").unlink()
        self.folder.truncate_metrics(0)
        self._lock.enter_context(self.folder.locked())
        self.folder.update_info(status="running", total_steps=EPOCHS * self.steps_per_epoch)
        self.train(2)

    def train(self, epochs: int) -> None:
        """Write the records of some more epochs, as they were."""
        for each in self._kept[: 2 * epochs]:
            values = {key: value for key, value in each.items() if key not in ("split", "epoch", "step")}
            seconds = 2.0 if each["split"] == "train" else 0.0
            self.folder.append(Record(each["split"], each["epoch"], each["step"], values, seconds, num_examples=1000))
        self._kept = self._kept[2 * epochs :]

    def collapse(self) -> None:
        """Write epochs in which the latent says nothing, and a line that is no record."""
        for epoch in range(3, 7):
            for split in ("train", "valid"):
                values = {"elbo_nats": -110.0, "rate_nats": 0.01, "distortion_nats": 109.99, "beta": 1.0}
                self.folder.append(Record(split, epoch, epoch * self.steps_per_epoch, values))
        with (self.folder.path / "metrics.jsonl").open("a", encoding="utf-8") as handle:
            handle.write("something else\n")

    def take_snapshot(self) -> int:
        """Let the next snapshot appear; return its step."""
        path = self._later.pop(0)
        (self.folder.path / path.name).rename(path)
        return int(path.stem.removeprefix("step_"))

    def die(self) -> None:
        """Let the lock go without a word, as a killed process does."""
        self._lock.close()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("live") / "runs"


@pytest.fixture(scope="module")
def url(folder: Path, serve: Any) -> str:
    return serve(folder, "--port", "0").url


@pytest.fixture
def growing(runs: Any, folder: Path) -> Iterator[Growing]:
    shutil.copytree(runs.root / runs.digits, folder / "growing")
    growing = Growing(RunFolder(folder / "growing"))
    yield growing
    growing.die()
    shutil.rmtree(folder / "growing", ignore_errors=True)


def open_live(page: "Page", url: str, name: str = "growing", query: str = "") -> None:
    page.goto(f"{url}/#/runs/{name}/live{query}")
    expect(page.locator(".live-frame img")).to_have_count(4)


def main_number(page: "Page", title: str) -> "Locator":
    return page.locator(".live-numbers > div").filter(has_text=title).locator("b")


def slider(page: "Page") -> "Locator":
    return page.get_by_role("slider", name="Moment of the training")


def moment(page: "Page") -> "Locator":
    return page.locator(".live-moment")


def shown_steps(page: "Page") -> set[str]:
    """The steps of the pictures that are on the page."""
    sources = [image.get_attribute("src") or "" for image in page.locator(".live-frame img").all()]
    return {re.findall(r"/snapshots/(\d+)/", source)[0] for source in sources}


def chart_range(page: "Page", *others: list[float]) -> list[float]:
    """The range of the first chart's ordinate, as soon as it is none of those before."""
    for _ in range(200):
        found = page.evaluate("document.querySelector('.live-chart').layout.yaxis.range")
        if found not in others:
            return found
        page.wait_for_timeout(100)
    raise AssertionError(f"the range stays one of {others}")


def test_a_record_is_on_the_page_within_a_second(page: "Page", url: str, growing: Growing) -> None:
    open_live(page, url)
    expect(page.locator(".chip")).to_have_text("running")
    chart = page.get_by_role("img", name=re.compile("elbo by epoch, last"))
    expect(page.locator(".live-facts")).to_contain_text("2 of 6 epochs")
    expect(page.locator(".live-facts")).to_contain_text("left")
    taken = []
    for epoch in range(3, EPOCHS + 1):  # the least of four: a busy machine delays some, the page would delay all
        before = chart.get_attribute("aria-label")
        began = time.perf_counter()
        growing.train(1)
        last = f"{growing.folder.metrics()[-1]['elbo_nats']:.2f}".replace("-", "−")
        expect(main_number(page, "ELBO")).to_have_text(last)
        expect(chart).to_have_accessible_name(f"elbo by epoch, last {last}")
        taken.append(time.perf_counter() - began)
        assert before != chart.get_attribute("aria-label")
        expect(page.locator(".live-facts")).to_contain_text(f"{epoch} of {EPOCHS} epochs")
    assert min(taken) < PROMPT


def test_the_newest_snapshot_is_followed_until_the_slider_is_moved(page: "Page", url: str, growing: Growing) -> None:
    open_live(page, url)
    live = page.get_by_role("button", name="Live")
    step = growing.take_snapshot()
    expect(moment(page)).to_contain_text(f"step {step}")
    expect(page.get_by_alt_text(re.compile(f"Samples at step {step}"))).to_be_visible()
    slider(page).focus()
    page.keyboard.press("Home")
    expect(moment(page)).to_have_text("untrained")
    expect(live).to_have_attribute("aria-pressed", "false")
    expect(page.get_by_alt_text("Samples at untrained")).to_be_visible()
    step = growing.take_snapshot()
    expect(slider(page)).to_have_attribute("max", "7")
    expect(moment(page)).to_have_text("untrained")
    expect(page).to_have_url(re.compile(r"\?step=0$"))
    live.click()
    expect(moment(page)).to_contain_text(f"step {step}")
    expect(page).to_have_url(re.compile(r"/live$"))


def test_a_linked_moment_is_shown_and_played_from_there_to_the_end(page: "Page", url: str, growing: Growing) -> None:
    open_live(page, url, query="?step=2")
    expect(moment(page)).to_contain_text("step 2")
    expect(page.get_by_alt_text(re.compile("step 2"))).to_have_count(4)
    assert shown_steps(page) == {"2"}
    page.get_by_role("button", name="Play through the training").click()
    expect(page.get_by_role("button", name="Pause")).to_be_visible()
    expect(page.get_by_role("button", name="Play through the training")).to_be_visible()
    last = int(sorted(path.stem for path in (growing.folder.path / "snapshots").iterdir())[-1][5:])
    expect(moment(page)).to_contain_text(f"step {last}")
    expect(page).to_have_url(re.compile(rf"\?step={last}$"))


def test_a_moment_is_chosen_on_the_heat_map_of_rates(page: "Page", url: str, growing: Growing) -> None:
    open_live(page, url)
    cells = page.locator(".live-map .nsewdrag")
    cells.scroll_into_view_if_needed()
    cells.hover(position={"x": 12, "y": 20})
    expect(page.locator(".live-map .hoverlayer")).to_have_text(re.compile(r"z\d, untrained: \d+\.\d\d nats"))
    cells.click(position={"x": 12, "y": 20})
    expect(moment(page)).to_have_text("untrained")
    label = page.locator(".live-map .ytick text").first.text_content()
    held = json.loads(page.evaluate("fetch('/api/runs/growing/rates').then((answer) => answer.text())"))
    last = held["rate_per_dim_nats"][-1]
    assert label == f"z{last.index(max(last))}"


def test_a_warning_comes_with_the_record_that_deserves_it(page: "Page", url: str, growing: Growing) -> None:
    open_live(page, url)
    expect(page.locator(".live-warnings")).to_be_hidden()
    growing.collapse()
    expect(page.locator(".live-warnings")).to_contain_text("Posterior collapse")
    expect(page.get_by_role("alert")).to_contain_text("Posterior collapse")
    expect(page.locator(".live-findings")).to_contain_text("is no record: skipped")


def test_the_zoom_is_kept_and_the_full_range_is_one_press_away(page: "Page", url: str, growing: Growing) -> None:
    growing.train(4)
    open_live(page, url)
    chart = page.locator(".live-chart .nsewdrag").first
    chart.hover()
    close, press = chart_range(page), page.get_by_role("button", name="Full range")
    press.click()
    expect(press).to_have_attribute("aria-pressed", "true")
    full = chart_range(page, close)
    assert full[0] < close[0]
    press.click()
    assert chart_range(page, full) == close
    page.mouse.move(*_inside(chart, 0.3, 0.3))
    page.mouse.down()
    page.mouse.move(*_inside(chart, 0.8, 0.7), steps=3)
    page.mouse.up()
    zoomed = chart_range(page, close)
    assert zoomed[1] - zoomed[0] < close[1] - close[0]
    growing.collapse()
    expect(page.get_by_role("img", name="elbo by epoch, last −110.00")).to_be_visible()
    assert chart_range(page) == pytest.approx(zoomed)
    chart.dblclick()
    whole = chart_range(page, zoomed, close)
    assert whole[0] < -110 < whole[1]


def _inside(element: "Locator", across: float, down: float) -> tuple[float, float]:
    box = element.bounding_box()
    assert box is not None
    return box["x"] + across * box["width"], box["y"] + down * box["height"]


def test_a_killed_training_says_so_and_a_deleted_run_leads_to_the_others(
    page: "Page", url: str, growing: Growing
) -> None:
    open_live(page, url)
    growing.die()
    expect(page.locator(".chip")).to_have_text("killed")
    expect(page.get_by_role("button", name="Resume")).to_be_enabled()
    expect(page.locator(".live-warnings")).to_contain_text("The training is killed")
    growing.folder.delete()
    expect(page.get_by_role("heading", name="This run is gone")).to_be_visible()
    expect(page.get_by_role("link", name="All runs")).to_have_attribute("href", "#/")


def test_a_lost_connection_is_said_and_comes_back(page: "Page", url: str, growing: Growing) -> None:
    routes: list[WebSocketRoute] = []

    def pass_on(route: "WebSocketRoute") -> None:
        routes.append(route)
        route.connect_to_server()

    page.route_web_socket(re.compile("/watch$"), pass_on)
    open_live(page, url)
    routes[0].close()
    expect(page.get_by_text("The connection to the studio is lost")).to_be_visible()
    growing.train(1)
    expect(page.get_by_text("The connection to the studio is lost")).to_be_hidden()
    expect(page.locator(".live-facts")).to_contain_text("3 of 6 epochs")
    assert len(routes) == 2


def test_a_run_is_renamed_and_deleted_from_its_page(page: "Page", url: str, growing: Growing) -> None:
    growing.die()
    open_live(page, url)
    page.get_by_role("button", name="Rename").click()
    page.get_by_label("New name").fill("renamed")
    page.get_by_role("button", name="Rename", exact=True).click()
    expect(page).to_have_url(re.compile("#/runs/renamed/live"))
    expect(page.locator(".live-frame img")).to_have_count(4)
    page.get_by_role("button", name="Delete").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    expect(page).to_have_url(re.compile("#/$"))
    assert not (growing.folder.path.parent / "renamed").exists()


def test_a_table_is_drawn_and_a_telephone_has_room_for_all(page: "Page", studio: str, runs: Any) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{studio}/#/runs/{runs.table}/live")
    expect(page.get_by_alt_text(re.compile("Reconstructions at"))).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
