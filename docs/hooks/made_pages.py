"""Pages and tables that are made while the site is built, so that they cannot go stale.

The reference (a page a room, from the docstrings), the command line (from the application) and the table of recipes;
the asterisks of the navigation; links from the pages of the rooms to the reference.
"""

import ast
import re
from fnmatch import fnmatch
from pathlib import Path
from typing import Any

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files
from mkdocs.structure.pages import Page

PACKAGE = Path(__file__).parents[2] / "vael"


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the pages of the reference and write out the asterisks of the navigation."""
    for room in rooms():
        files.append(File.generated(config, f"reference/{room}.md", content=reference_page(room)))
    files.append(File.generated(config, "reference/index.md", content=reference_index()))
    config.nav = write_out(config.nav, sorted(file.src_uri for file in files), named(config.nav))
    return files


def on_page_markdown(markdown: str, page: Page, **_: Any) -> str:
    """Put the made tables where a page asks for them and link the rooms' names to the reference."""
    made = {"commands": commands, "recipes": recipes, "views": views}
    for name, make in made.items():
        marker = f"<!-- made by the build: {name} -->"
        if marker in markdown:
            markdown = markdown.replace(marker, make())
    if page.file.src_uri.startswith(("rooms/", "tasks/")) or page.file.src_uri == "command-line.md":
        markdown = link_to_reference(markdown, "../" * page.file.src_uri.count("/"))
    return markdown


def rooms() -> list[str]:
    """List the rooms of the package: folders with an `__init__`, and modules beside them."""
    found = [path.parent.name for path in PACKAGE.glob("*/__init__.py")]
    return sorted(found + [path.stem for path in PACKAGE.glob("*.py") if not path.stem.startswith("__")])


def modules(room: str) -> list[Path]:
    """List the files of a room, its `__init__` first."""
    return sorted((PACKAGE / room).glob("*.py")) if (PACKAGE / room).is_dir() else [PACKAGE / f"{room}.py"]


def reference_page(room: str) -> str:
    """Write the page of a room: its own docstring and tables, then every module."""
    blocks = [f"# {room}\n"]
    for path in modules(room):
        if path.stem.startswith("__") and path.stem != "__init__":
            continue
        is_module = path.stem != "__init__"
        name = f"vael.{room}.{path.stem}" if path.parent != PACKAGE and is_module else f"vael.{room}"
        own = "" if is_module else f"        members: [{', '.join(assigned(path))}]\n"
        show = "true" if is_module and path.parent != PACKAGE else "false"
        blocks.append(f"::: {name}\n    options:\n        heading_level: 2\n        show_root_heading: {show}\n{own}")
    return "\n".join(blocks)


def assigned(path: Path) -> list[str]:
    """List the public names that a module assigns itself, as opposed to those that it passes on."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    targets = [node.target for node in tree.body if isinstance(node, ast.AnnAssign)]
    targets += [target for node in tree.body if isinstance(node, ast.Assign) for target in node.targets]
    return [target.id for target in targets if isinstance(target, ast.Name) and not target.id.startswith("_")]


def reference_index() -> str:
    """List the rooms with the first sentence of each."""
    lines = ["# Reference\n", "::: vael\n    options:\n        show_root_heading: false\n        members: []\n"]
    lines += ["| room | what it holds |", "|---|---|"]
    for room in rooms():
        text = ast.get_docstring(ast.parse(modules(room)[0].read_text(encoding="utf-8"))) or ""
        first = " ".join(text.split("\n\n")[0].split()).replace("|", "\\|")
        lines.append(f"| [`vael.{room}`]({room}.md) | {first} |")
    return "\n".join(lines)


def commands() -> str:
    """Write the help of every command, from the application itself."""
    from vael.cli.app import app

    text = app.generate_docs(heading_level=1)
    text = re.sub(r"^.*?## Table of Contents\n.*?(?=\n\*\*)", "", text, flags=re.DOTALL)
    text = re.sub(r"\*\*Commands\*\*:\n\n(\* .*\n)+", "", text)
    text = re.sub(r"## vael --install-completion\n.*?(?=^## )", "", text, flags=re.DOTALL | re.MULTILINE)
    return text.replace("```console", "```sh")  # that lexer takes a line without a prompt for output


def recipes() -> str:
    """List the shipped recipes with their main numbers."""
    from vael.recipe import Recipe, shipped_recipes

    lines = ["| recipe | what it is | data, treatment | D | likelihood | epochs |", "|---|---|---|---:|---|---:|"]
    for name in shipped_recipes():
        recipe = Recipe.find(name)
        data, model = recipe.data, recipe.model
        what = f"`{data.source}`, {data.treatment} | {model.latent_dim} | {model.likelihood.name}"
        lines.append(f"| `{name}` | {recipe.title} | {what} | {recipe.training.epochs} |")
    return "\n".join(lines)


def views() -> str:
    """List the kinds of figures; read, not imported, since drawing wants more packages than this site."""
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in modules("views")]
    nodes = [node for tree in trees for node in tree.body]
    summaries = {node.name: _string(node, "summary") for node in nodes if isinstance(node, ast.ClassDef)}
    table = next(node.value for node in nodes if isinstance(node, ast.AnnAssign) and _names(node.target, "VIEWS"))
    lines = ["| kind | what it shows |", "|---|---|"]
    for name, kind in zip(table.keys, table.values, strict=True):
        lines.append(f"| `{name.value}` | {summaries[kind.id]} |")
    return "\n".join(lines)


def _string(node: ast.ClassDef, name: str) -> str:
    """Return the string that a class assigns to a name."""
    values = [item.value for item in node.body if isinstance(item, ast.Assign) and _names(item.targets[0], name)]
    return ast.literal_eval(values[0]) if values else ""


def _names(node: ast.expr, name: str) -> bool:
    return isinstance(node, ast.Name) and node.id == name


def write_out(nav: Any, pages: list[str], taken: set[str]) -> Any:
    """Replace each pattern by the pages that it matches; drop sections that are empty."""
    if isinstance(nav, dict):
        return {title: write_out([item] if _is_pattern(item) else item, pages, taken) for title, item in nav.items()}
    if not isinstance(nav, list):
        return nav
    written = []
    for item in nav:
        if _is_pattern(item):
            found = [page for page in pages if fnmatch(page, item) and page not in taken]
            written += sorted(found, key=lambda page: not page.endswith("/index.md"))
        else:
            written.append(write_out(item, pages, taken))
    return [item for item in written if not (isinstance(item, dict) and not any(item.values()))]


def named(nav: Any) -> set[str]:
    """Gather the pages that the navigation names in full."""
    if isinstance(nav, str):
        return set() if _is_pattern(nav) else {nav}
    items = nav.values() if isinstance(nav, dict) else nav
    return set().union(*(named(item) for item in items))


def _is_pattern(item: Any) -> bool:
    return isinstance(item, str) and "*" in item


def link_to_reference(markdown: str, up: str) -> str:
    """Link `vael.room` in the line that says where a page's code lives, and the classes in tables."""
    known = rooms()
    lines = markdown.splitlines()
    here = [room for line in lines if line.startswith("Lives in ") for room in re.findall(r"`vael\.(\w+)`", line)]
    classes = {name: place for room in here for name, place in _classes(room).items()}
    for i, line in enumerate(lines):
        if line.startswith("Lives in "):
            lines[i] = re.sub(
                r"`vael\.(\w+)`",
                lambda found: f"[{found[0]}]({up}reference/{found[1]}.md)" if found[1] in known else found[0],
                line,
            )
        elif line.startswith("|"):
            lines[i] = re.sub(
                r"(?<!\[)`(\w+)`",
                lambda found: f"[{found[0]}][{classes[found[1]]}]" if found[1] in classes else found[0],
                line,
            )
    return "\n".join(lines)


def _classes(room: str) -> dict[str, str]:
    """Return the full name of each public class and function of a room, by its short name."""
    found = {}
    for path in modules(room):
        module = f"vael.{room}" if path.parent == PACKAGE else f"vael.{room}.{path.stem}"
        for node in ast.parse(path.read_text(encoding="utf-8")).body:
            if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
                found[node.name] = f"{module}.{node.name}"
    return found
