"""The report: complete, self-contained, true to the numbers; opened in a real browser without a network."""

import json
import re
import shutil
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

import vael
from vael.errors import VaelError
from vael.evaluation import Evaluation
from vael.views.report.findings import find

Make = Callable[[str], vael.Run]
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")


@pytest.fixture(scope="module")
def page(make_run: Make) -> Path:
    return vael.report(make_run("digits"), num_samples=4)


def test_a_report_is_one_small_file_that_needs_nothing_else(page: Path) -> None:
    text = page.read_text(encoding="utf-8")
    assert page.stat().st_size < 10_000_000
    sources = re.findall(r'(?:src|href)="([^"]{0,40})', text)
    assert sources
    assert all(source.startswith("data:image/webp;base64,") for source in sources)
    assert "<script" not in text
    assert "url(" not in text
    assert "@import" not in text


def test_a_report_holds_the_numbers_and_all_that_makes_them_again(page: Path, make_run: Make) -> None:
    run, text = make_run("digits"), page.read_text(encoding="utf-8")
    found = run.evaluate(num_samples=4)
    assert f"{found.nll_nats:.2f} ± {found.nll_nats_se:.2f}" in text
    assert f"{found.bits_per_dim:.4f}" in text
    assert "vael train --recipe digits.toml --name digits" in text
    assert run.info["data"]["fingerprint"] in text
    assert "&#34;discretized-logistic&#34;" in text  # the recipe itself, escaped


def test_the_recipe_in_a_report_trains_the_same_run(page: Path, make_run: Make, tmp_path: Path) -> None:
    import html

    text = html.unescape(
        re.findall(r"<summary>digits\.toml</summary>\s*<pre>(.*?)</pre>", page.read_text(), re.DOTALL)[0]
    )
    (tmp_path / "digits.toml").write_text(text)
    again = vael.train(None, recipe=str(tmp_path / "digits.toml"), runs=tmp_path / "runs")
    assert (again.path / "metrics.jsonl").read_bytes() == (make_run("digits").path / "metrics.jsonl").read_bytes()


@pytest.mark.parametrize("name", ["table", "autoencoder", "line", "full", "still"])
def test_every_kind_of_run_has_a_report(name: str, make_run: Make, tmp_path: Path) -> None:
    text = vael.report(make_run(name), output=tmp_path / "report.html", num_samples=2).read_text(encoding="utf-8")
    assert f"<h1>{name}</h1>" in text
    assert ">None<" not in text
    assert "nan" not in re.sub(r'"data:[^"]*"', "", text).lower()


def test_several_runs_stand_side_by_side(make_run: Make, tmp_path: Path) -> None:
    runs = [make_run("digits"), make_run("plane"), make_run("autoencoder")]
    text = vael.report(runs, output=tmp_path / "report.html", num_samples=2).read_text(encoding="utf-8")
    head = re.findall(r"<thead>.*?</thead>", text, re.DOTALL)[0]
    assert re.findall(r'<th scope="col">(\w*)</th>', head) == ["", "digits", "plane", "autoencoder"]
    rates = re.findall(r'<th scope="row">rate, nats</th>(.*?)</tr>', text)[0]
    assert rates.count("±") == 2  # the autoencoder has none
    assert rates.endswith("<td>–</td>")


@pytest.mark.parametrize(
    ("output", "message"), [("report.pdf", r"ending in \.html"), ("file/report.html", "cannot write")]
)
def test_an_output_that_cannot_be_is_refused(output: str, message: str, make_run: Make, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(VaelError, match=message):
        vael.report(make_run("line"), output=tmp_path / output, num_samples=1)


def test_no_runs_are_refused() -> None:
    with pytest.raises(VaelError, match="at least one run, got none"):
        vael.report([])


def change_metrics(run: vael.Run, folder: Path, bounds: list[float], trained: list[float]) -> vael.Run:
    """Copy a run and give it another history: one validation and one training bound an epoch."""
    path = shutil.copytree(run.path, folder / run.name)
    lines = []
    for epoch, (held_out, seen) in enumerate(zip(bounds, trained, strict=True), 1):
        for split, elbo in (("train", seen), ("valid", held_out)):
            record = {"split": split, "epoch": epoch, "step": 6 * epoch, "elbo_nats": elbo, "distortion_nats": -elbo}
            lines.append(json.dumps(record | {"rate_nats": 0.0}))
    (path / "metrics.jsonl").write_text("\n".join(lines) + "\n")
    return vael.load(path)


def titles(run: vael.Run, evaluation: Evaluation) -> set[str]:
    return {finding.title for finding in find(run, evaluation)}


def test_the_words_follow_the_history(make_run: Make, tmp_path: Path) -> None:
    run = make_run("digits")
    evaluation = run.evaluate(num_samples=4)
    falling = change_metrics(run, tmp_path / "a", [-120, -100, -104, -109, -115], [-120, -100, -90, -85, -80])
    assert "Over-fitting" in titles(falling, evaluation)
    gap = change_metrics(run, tmp_path / "b", [-120, -101, -100.2, -100.1, -100], [-110, -90, -85, -82, -80])
    assert "A gap to held-out examples" in titles(gap, evaluation)
    rising = change_metrics(run, tmp_path / "c", [-140, -130, -120, -110, -100], [-141, -131, -121, -111, -100])
    assert {"Not converged", "No over-fitting"} <= titles(rising, evaluation)
    flat = change_metrics(run, tmp_path / "d", [-120, -100.1, -100, -100.1, -100], [-120, -100, -100, -100, -99])
    assert not {"Not converged", "Over-fitting"} & titles(flat, evaluation)


def test_the_words_follow_the_latents(make_run: Make) -> None:
    from dataclasses import replace

    run = make_run("digits")
    evaluation = run.evaluate(num_samples=4)
    assert "Posterior collapse" in titles(run, replace(evaluation, rate_nats=0.01))
    assert "No dead dimensions" in titles(run, replace(evaluation, rate_nats=9.0, active_units=8))
    assert "6 of 8 dimensions are dead" in titles(run, replace(evaluation, rate_nats=9.0, active_units=2))
    assert "Not a likelihood" in titles(run, replace(evaluation, nll_nats=None))
    assert "A plain autoencoder" in titles(make_run("autoencoder"), make_run("autoencoder").evaluate(num_samples=1))


def test_an_interrupted_run_says_so(make_run: Make, tmp_path: Path) -> None:
    run = vael.load(shutil.copytree(make_run("line").path, tmp_path / "line"))
    run.folder.update_info(status="interrupted")
    assert "The training is interrupted" in titles(run, run.evaluate(num_samples=1))


@pytest.mark.skipif(CHROMIUM is None, reason="no chromium on this machine (apt-get install chromium)")
def test_a_browser_shows_and_prints_it_without_a_network(page: Path, tmp_path: Path) -> None:
    """Both colour schemes on screen, light on paper; nothing is asked of a network; no picture is broken."""
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright is not installed")
    results: dict[str, object] = {}

    def look() -> None:  # in its own thread: Playwright's loop must not meet another one
        with sync_api.sync_playwright() as play:
            browser = play.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            for scheme in ("light", "dark"):
                context = browser.new_context(
                    color_scheme=scheme, offline=True, viewport={"width": 1000, "height": 800}
                )
                tab = context.new_page()
                asked: list[str] = []
                tab.on("request", lambda request, asked=asked: asked.append(request.url))
                tab.goto(page.as_uri())
                shown = "i => i.offsetParent !== null"
                broken = f"is => is.filter({shown}).filter(i => i.naturalWidth === 0).length"
                results[scheme] = {
                    "asked": [url for url in asked if not url.startswith(("file:", "data:"))],
                    "shown": tab.eval_on_selector_all("img", f"is => is.filter({shown}).length"),
                    "broken": tab.eval_on_selector_all("img", broken),
                    "wide": tab.evaluate("document.documentElement.scrollWidth"),
                    "back": tab.evaluate("getComputedStyle(document.body).backgroundColor"),
                }
                if scheme == "dark":
                    tab.emulate_media(media="print", color_scheme="dark")
                    results["paper"] = tab.evaluate("getComputedStyle(document.body).backgroundColor")
                    tab.pdf(path=str(tmp_path / "report.pdf"), format="A4")
            browser.close()

    thread = threading.Thread(target=look)
    thread.start()
    thread.join(60)
    light, dark = results["light"], results["dark"]
    assert isinstance(light, dict)
    assert isinstance(dark, dict)
    assert light["asked"] == dark["asked"] == []
    assert light["shown"] == dark["shown"] >= 10
    assert light["broken"] == dark["broken"] == 0
    assert light["wide"] <= 1000
    assert light["back"] == results["paper"] == "rgb(255, 255, 255)"
    assert dark["back"] == "rgb(20, 22, 26)"
    assert (tmp_path / "report.pdf").read_bytes().startswith(b"%PDF")
