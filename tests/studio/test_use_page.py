"""The verbs of a run, as a hand uses them: in a real browser, on a real server."""

import re
from pathlib import Path

import numpy as np
import pytest
from exchange import drop, png

import vael

pytest.importorskip("playwright.sync_api", reason="browser tests need playwright")
from playwright.sync_api import Page, expect


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
