"""The list of runs, the form of a new training, and runs side by side, as a user meets them in a browser."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.request import urlopen

import pytest

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")

from playwright.sync_api import expect

from vael.runs import list_runs

LONG = "a-name-of-sixty-characters-that-goes-on-and-on-until-the-end"
SLOW = 30_000  # milliseconds: until a training's process has imported torch, on a busy machine
REFUSAL = "Failed to load resource: the server responded with a status of 4"  # the browser's own note of a refusal


@pytest.fixture(scope="module")
def folder(runs: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return a runs folder that these tests may change; no training in it outlives them."""
    folder = tmp_path_factory.mktemp("pages") / "runs"
    for name in (runs.digits, runs.plane):
        shutil.copytree(runs.root / name, folder / name)
    yield folder
    for found in list_runs(folder):
        if found.status() == "running":
            found.stop()


@pytest.fixture(scope="module")
def url(folder: Path, serve: Any) -> str:
    return serve(folder, "--port", "0").url


@pytest.fixture
def bold(browser: "Browser") -> Iterator["Page"]:
    """Return a page on which the server may refuse things, and scripts may still not fail."""
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    page.set_default_timeout(15_000)
    wrong: list[str] = []
    page.on("console", lambda said: wrong.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: wrong.append(str(error)))
    yield page
    page.close()
    assert [words for words in wrong if not words.startswith(REFUSAL)] == []


def summary(url: str, name: str) -> dict[str, Any]:
    with urlopen(f"{url}/api/runs") as answer:
        return next(run for run in json.load(answer)["runs"] if run["name"] == name)


def row(page: "Page", name: str) -> Any:
    return page.get_by_role("row").filter(has=page.get_by_role("checkbox", name=f"Choose {name}", exact=True))


def open_menu(page: "Page", name: str, item: str) -> None:
    row(page, name).get_by_role("button", name=f"What to do with {name}").click()
    page.get_by_role("menuitem", name=item).click()


def names(page: "Page") -> list[str]:
    return page.locator("tbody .run-name").all_inner_texts()


def test_runs_are_listed_with_their_numbers_and_lead_to_their_views(page: "Page", url: str) -> None:
    page.goto(f"{url}/#/")
    elbo = f"{summary(url, 'digits')['elbo_nats']:.2f}".replace("-", "−")
    expect(row(page, "digits").locator(".elbo")).to_have_text(elbo)
    expect(row(page, "digits").locator(".epochs")).to_have_text("6 / 6")
    expect(row(page, "digits").get_by_role("img")).to_have_accessible_name(re.compile("ELBO from −.* to −"))
    row(page, "digits").get_by_role("link", name="digits").click()
    expect(page).to_have_url(re.compile("#/runs/digits/live$"))


def test_a_click_on_a_heading_sorts_and_stays_in_the_address(page: "Page", url: str) -> None:
    page.goto(f"{url}/#/")
    better, worse = sorted(("digits", "plane"), key=lambda name: -summary(url, name)["elbo_nats"])
    page.get_by_role("button", name="ELBO").click()
    expect(page.locator("th.elbo")).to_have_attribute("aria-sort", "descending")
    assert names(page) == [better, worse]
    page.get_by_role("button", name="ELBO").click()
    page.reload()
    expect(page.locator("th.elbo")).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("tbody .run-name")).to_have_text([worse, better])


def test_a_new_run_appears_while_the_rows_stay_the_same_elements(page: "Page", url: str, folder: Path) -> None:
    page.goto(f"{url}/#/")
    kept = row(page, "digits").element_handle()
    shutil.copytree(folder / "digits", folder / LONG)
    expect(row(page, LONG)).to_be_visible()
    assert kept.evaluate("(row) => row.isConnected")
    expect(page.locator(".run-name", has_text=LONG)).to_have_attribute("title", LONG)
    shutil.rmtree(folder / LONG)
    expect(row(page, LONG)).to_have_count(0)


def test_a_run_is_renamed_by_keyboard_and_deleted(bold: "Page", url: str, folder: Path) -> None:
    shutil.copytree(folder / "digits", folder / "spare")
    bold.goto(f"{url}/#/")
    row(bold, "spare").get_by_role("button").focus()
    bold.keyboard.press("Enter")
    expect(bold.get_by_role("menuitem", name="Train on…")).to_be_focused()
    bold.keyboard.press("ArrowDown")
    bold.keyboard.press("ArrowDown")
    bold.keyboard.press("Enter")
    field = bold.get_by_label("New name")
    field.fill("plane")
    field.press("Enter")
    expect(bold.get_by_role("dialog").get_by_role("alert")).to_contain_text("plane")
    field.fill("other name, with a comma")
    field.press("Enter")
    expect(row(bold, "other name, with a comma")).to_be_visible()
    open_menu(bold, "other name, with a comma", "Delete…")
    expect(bold.get_by_role("dialog")).to_contain_text("for good")
    bold.get_by_role("button", name="Delete for good").click()
    expect(row(bold, "other name, with a comma")).to_have_count(0)
    assert sorted(path.name for path in folder.iterdir()) == ["digits", "plane"]


def test_a_damaged_run_says_why_and_can_be_deleted(page: "Page", url: str, folder: Path) -> None:
    shutil.copytree(folder / "digits", folder / "broken")
    (folder / "broken" / "run.json").write_text("{")
    page.goto(f"{url}/#/")
    expect(row(page, "broken").locator(".reason")).to_contain_text("damaged")
    assert row(page, "broken").get_by_role("link").count() == 0
    open_menu(page, "broken", "Delete…")
    page.get_by_role("button", name="Delete for good").click()
    expect(row(page, "broken")).to_have_count(0)
    assert not (folder / "broken").exists()


def test_many_runs_are_filtered_on_a_phone_without_overflow(page: "Page", url: str, folder: Path) -> None:
    copies = [folder / LONG, *(folder / f"copy-{number}" for number in range(8))]
    for copy in copies:
        shutil.copytree(folder / "digits", copy)
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(f"{url}/#/")
    expect(page.locator("tbody tr")).to_have_count(11)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_label("Filter the runs").fill("copy finished")
    expect(page.locator("tbody tr")).to_have_count(8)
    page.get_by_label("Filter the runs").fill("copy-3")
    page.reload()
    expect(page.locator("tbody .run-name")).to_have_text(["copy-3"])
    page.get_by_label("Filter the runs").fill("nothing like this")
    page.get_by_role("button", name="Show all runs").click()
    expect(page.locator("tbody tr")).to_have_count(11)
    for copy in copies:
        page.get_by_label(f"Choose {copy.name}", exact=True).check()
    page.get_by_role("button", name="Delete 9…").click()
    page.get_by_role("button", name="Delete for good").click()
    expect(page.locator("tbody tr")).to_have_count(2)


def test_chosen_runs_are_compared(page: "Page", url: str) -> None:
    page.goto(f"{url}/#/")
    page.get_by_label("Choose digits").check()
    page.get_by_label("Choose plane").check()
    page.get_by_role("link", name="Compare 2 runs").click()
    expect(page.locator(".plot .js-plotly-plot, .plot.js-plotly-plot")).to_have_count(3)
    best = max(("digits", "plane"), key=lambda name: summary(url, name)["elbo_nats"])
    elbo = page.get_by_role("row").filter(has_text="ELBO, nats")
    expect(elbo.locator(".is-best")).to_have_text(
        re.compile(f"best{summary(url, best)['elbo_nats']:.2f}".replace("-", "−"))
    )
    differing = page.locator("section", has_text="Settings that differ").get_by_role("row")
    expect(differing).to_have_text(["Whatdigitsplane", "model.latent_dim82"])
    page.get_by_role("button", name="Remove plane").click()
    expect(page).to_have_url(re.compile(r"compare\?run=digits$"))
    expect(page.get_by_text("Add a second run")).to_be_visible()
    page.get_by_label("Add a run").select_option("plane")
    expect(page).to_have_url(re.compile(r"compare\?run=digits&run=plane$"))
    expect(differing).to_have_count(2)


def test_what_does_not_compare_is_said(page: "Page", studio: str) -> None:
    page.goto(f"{studio}/#/compare?run=digits&run=table&run=gone")
    expect(page.get_by_text("gone is left out")).to_be_visible()
    expect(page.get_by_text("These bounds do not compare")).to_be_visible()
    expect(page.get_by_text("The runs differ in data")).to_be_visible()
    assert page.locator(".is-best").count() == 0


def test_the_form_says_what_is_wrong_and_what_the_command_is(bold: "Page", url: str) -> None:
    bold.goto(f"{url}/#/train?recipe=binary-20")
    epochs = bold.get_by_label("Epochs", exact=True)
    epochs.fill("ten")
    expect(epochs).to_have_attribute("aria-invalid", "true")
    expect(epochs).to_have_accessible_description("training.epochs expects an integer, got 'ten'")
    bold.get_by_role("button", name="Reset epochs to 10").click()
    expect(epochs).to_have_value("10")
    expect(epochs).not_to_have_attribute("aria-invalid", "true")
    bold.get_by_text("All fields").click()
    bold.get_by_role("combobox", name="Encoder", exact=True).select_option("conv")
    bold.get_by_label("Channels", exact=True).fill("[8, 16]")
    expect(bold.get_by_label("The same as a command")).to_contain_text(
        "vael train --recipe binary-20 \\\n  --set model.encoder.name=conv \\\n  --set 'model.encoder.channels=[8, 16]'"
    )
    bold.reload()
    expect(bold.get_by_label("The same as a command")).to_contain_text("--set 'model.encoder.channels=[8, 16]'")


def test_a_training_starts_from_a_run_stops_and_goes_on(page: "Page", url: str, folder: Path) -> None:
    page.goto(f"{url}/#/train?from=digits")
    expect(page.get_by_label("Latent dim", exact=True)).to_have_value("8")
    page.get_by_label("Epochs", exact=True).fill("20000")
    page.get_by_label("Name of the run").fill("endless")
    page.get_by_role("button", name="Train", exact=True).click()
    expect(page).to_have_url(re.compile("#/runs/endless/live$"), timeout=SLOW)
    page.goto(f"{url}/#/")
    expect(row(page, "endless").locator(".chip")).to_have_text("running", timeout=SLOW)
    open_menu(page, "endless", "Stop")
    expect(row(page, "endless").locator(".chip")).to_have_text("interrupted", timeout=SLOW)
    open_menu(page, "endless", "Resume")
    expect(row(page, "endless").locator(".chip")).to_have_text("resuming")
    expect(row(page, "endless").locator(".chip")).to_have_text("running", timeout=SLOW)
    open_menu(page, "endless", "Stop")
    expect(row(page, "endless").locator(".chip")).to_have_text("interrupted", timeout=SLOW)
    assert "hidden_features = [16]" in (folder / "endless" / "recipe.toml").read_text()
    shutil.rmtree(folder / "endless")


def test_an_empty_folder_says_what_to_do(page: "Page", serve: Any, tmp_path: Path) -> None:
    page.goto(f"{serve(tmp_path / 'none', '--port', '0').url}/#/")
    expect(page.get_by_text("No runs yet")).to_be_visible()
    expect(page.get_by_text("vael train --runs")).to_be_visible()
    page.get_by_role("link", name="New training").last.click()
    expect(page.get_by_role("button", name="Train", exact=True)).to_be_visible()


ANSWERS = """async (kind) => {
  const { call } = await import("/js/api.js"), left = new AbortController(), fetch = window.fetch;
  const halfway = new ReadableStream({
    start(body) { left.signal.addEventListener("abort", () => body.error(new DOMException("left", "AbortError"))); },
  });
  window.fetch = async () => new Response(kind === "left" ? halfway : "{");
  setTimeout(() => left.abort(), kind === "left" ? 50 : 1e6);
  try { return await call("/api/runs", { signal: left.signal }); }
  catch (error) { return `${error.name}: ${error.message}`; }
  finally { window.fetch = fetch; }
}"""


@pytest.mark.parametrize(
    ("kind", "told"), [("left", "AbortError: "), ("broken", "Error: The studio answered 200 without a word.")]
)
def test_half_an_answer_is_none(page: "Page", studio: str, kind: str, told: str) -> None:
    """A page that is left while an answer is on its way must not go on with what came of it."""
    page.goto(studio)
    page.get_by_role("heading", name="Runs").wait_for()
    assert page.evaluate(ANSWERS, kind).startswith(told)
