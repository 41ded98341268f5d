"""What the docs say holds: links lead somewhere, code compiles, commands parse, every room and part has its place."""

import inspect
import re
import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from vael.cli.app import app
from vael.data import SOURCES
from vael.data.treatments import TREATMENTS
from vael.likelihoods import LIKELIHOODS
from vael.models import STRUCTURES
from vael.networks import DECODERS, ENCODERS
from vael.objectives import OBJECTIVES
from vael.posteriors import POSTERIORS
from vael.priors import PRIORS
from vael.recipe import Recipe, parse_settings, shipped_recipes
from vael.schedules import SCHEDULES
from vael.training import OPTIMIZERS

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = [*sorted(DOCS.rglob("*.md")), ROOT / "README.md"]
NAV = (ROOT / "mkdocs.yml").read_text(encoding="utf-8").partition("\nnav:\n")[2].partition("\n\n")[0]

TABLES: dict[str, list[Mapping[str, Any]]] = {
    "rooms/data.md": [SOURCES, TREATMENTS],
    "rooms/ground.md": [SCHEDULES],
    "rooms/networks.md": [ENCODERS, DECODERS],
    "rooms/likelihoods.md": [LIKELIHOODS],
    "rooms/priors.md": [PRIORS],
    "rooms/posteriors.md": [POSTERIORS],
    "rooms/models.md": [STRUCTURES],
    "rooms/objectives.md": [OBJECTIVES],
    "rooms/training.md": [OPTIMIZERS],
}
"""The page that names the members of each table."""

GIVEN = {"observation", "in_shape", "context_dim", "latent_dim", "out_shape", "in_features", "num_levels"}
"""Constructor arguments that come from other parts, not from a recipe."""


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def blocks(page: Path, *languages: str) -> list[str]:
    """The fenced blocks of some languages."""
    found = re.findall(r"^```(\w*)[^\n]*\n(.*?)^```", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return [body for language, body in found if language in languages]


def indented_lines(text: str) -> list[str]:
    return [line.strip() for line in text.splitlines() if line.startswith("    ")]


def commands(lines: list[str]) -> Iterator[list[str]]:
    """The words of each `vael …` line after `vael`; `RUN` and the like stand for themselves."""
    for line in lines:
        words = shlex.split(line.removeprefix("$ "), comments=True)
        while words and re.fullmatch(r"\w+=.*", words[0]):  # VAEL_DATA=…
            words = words[1:]
        if words[:1] == ["vael"]:
            yield words[1:]


def documented_commands() -> list[tuple[str, list[str]]]:
    found = []
    for page in PAGES:
        shell = [line for block in blocks(page, "sh", "console") for line in block.splitlines()]
        plain = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
        inline = re.findall(r"`(vael [^`…]+)`", plain)
        inline = [code if " " in code[5:] else f"{code} --help" for code in inline]  # a command by its name alone
        found += [(name_of(page), words) for words in commands([*shell, *indented_lines(plain), *inline])]
    for module in sorted((ROOT / "vael" / "cli").glob("*.py")):
        examples = [line for line in indented_lines(text_of(module)) if re.match(r"vael [a-z]+( |$)", line)]
        found += [(name_of(module), words) for words in commands(examples)]
    return found


def rooms() -> list[str]:
    folders = [path.parent.name for path in (ROOT / "vael").glob("*/__init__.py")]
    return sorted([*folders, *(path.stem for path in (ROOT / "vael").glob("[a-z]*.py"))])


def entries_of_nav() -> list[str]:
    return re.findall(r"[\w/.*-]+\.md", NAV)


def in_nav(page: str) -> bool:
    return any(Path(page).match(entry) for entry in entries_of_nav())


@pytest.mark.parametrize("room", rooms())
def test_every_room_has_a_page_that_stands_in_the_nav(room: str) -> None:
    homes = [page for page in PAGES if re.search(rf"^Lives in .*`vael\.{room}`", text_of(page), re.MULTILINE)]
    assert len(homes) == 1, f"one page of docs/ should say 'Lives in `vael.{room}`', got {homes}"
    assert in_nav(str(homes[0].relative_to(DOCS)))


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=name_of)
def test_every_page_stands_in_the_nav(page: Path) -> None:
    path = page.relative_to(DOCS)
    assert in_nav(str(path)) or path.parts[0] == "performance"


@pytest.mark.parametrize("entry", [entry for entry in entries_of_nav() if "*" not in entry])
def test_every_entry_of_the_nav_is_there(entry: str) -> None:
    assert (DOCS / entry).is_file()


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_relative_links_and_images_exist(page: Path) -> None:
    text = re.sub(r"^```.*?^```", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    for target in re.findall(r"\]\(<?([^)>\s]+)", text):
        path, _, anchor = target.partition("#")
        if re.match(r"[a-z]+:", target) or not path:
            continue
        linked = page.parent / path
        assert linked.is_file(), f"{name_of(page)} links to {target}"
        if anchor and linked.suffix == ".md":  # a picture's says for which theme it is
            headings = re.findall(r"^#+ (.*)$", text_of(linked), flags=re.MULTILINE)
            assert anchor in [re.sub(r"[^\w]+", "-", heading.lower()).strip("-") for heading in headings], target


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "log.md"], ids=name_of)
def test_python_compiles_and_recipes_are_recipes(page: Path) -> None:
    for block in blocks(page, "python"):
        compile(block, name_of(page), "exec")
    for block in blocks(page, "toml"):
        Recipe.from_toml(block, where=name_of(page))


@pytest.mark.parametrize(("where", "words"), documented_commands(), ids=lambda value: str(value)[:80])
def test_commands_parse_and_name_what_exists(where: str, words: list[str]) -> None:
    command, bound, _ = app.parse_args(words, exit_on_error=False, print_error=False)
    name = bound.arguments.get("recipe")
    if command.__name__ == "train":
        recipe = Recipe() if name is None or "." in name or "/" in name else Recipe.find(name)
        recipe.override(parse_settings(bound.arguments.get("set") or []))
    if command.__name__ == "recipes" and bound.arguments.get("name", "NAME") != "NAME":
        assert bound.arguments["name"] in shipped_recipes(), where


def test_there_are_commands_to_parse() -> None:
    assert len(documented_commands()) > 50


@pytest.mark.parametrize("page", TABLES)
def test_every_part_and_every_option_is_named_on_its_rooms_page(page: str) -> None:
    codes = set(re.findall(r"`([^`\n]+)`", text_of(DOCS / page)))
    for table in TABLES[page]:
        for name, kind in table.items():
            options = set(inspect.signature(kind).parameters) - GIVEN
            missing = {name, kind.__name__, *options} - codes
            assert not missing, f"{page} does not name {missing} of '{name}'"
