"""Data flows one way: a room imports only from lower floors, and rooms of one floor do not know each other."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "vael"

FLOORS = [
    {"errors", "types", "files", "random", "precision", "compiling", "schedules", "recipe", "figures"},
    {"distributions", "data", "runs"},
    {"networks"},
    {"likelihoods", "priors", "posteriors"},
    {"models"},
    {"objectives"},
    {"training", "evaluation", "coding"},
    {"build", "tasks"},
    {"experiments", "estimators"},
    {"sweeps", "views"},
    {"studio"},
    {"cli"},
]
FREE_OF_TORCH = {"errors", "types", "files", "recipe", "runs", "figures", "cli"}
SHARED = {"errors", "types"}  # the two that a neighbour on the ground floor may read


def room_of(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def floor_of(room: str) -> int:
    return next(number for number, rooms in enumerate(FLOORS) if room in rooms)


def imports(path: Path) -> set[str]:
    """Every module that a file imports, inside functions too; only names for the type checker are left out."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING":
            node.body = []
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return found


def module_level_imports(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    names = [node for node in tree.body if isinstance(node, (ast.Import, ast.ImportFrom))]
    return {alias.name for node in names if isinstance(node, ast.Import) for alias in node.names} | {
        node.module for node in names if isinstance(node, ast.ImportFrom) and node.module
    }


FILES = sorted(
    path for path in ROOT.rglob("*.py") if path.parent != ROOT or room_of(path) not in ("__init__", "__main__")
)


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_room_imports_only_from_lower_floors(path: Path) -> None:
    room = room_of(path)
    for name in imports(path):
        parts = name.split(".")
        if parts[0] != "vael" or len(parts) < 2 or parts[1] == room:
            continue
        if any(parts[1] in rooms for rooms in FLOORS):
            is_shared = floor_of(room) == 0 and parts[1] in SHARED
            assert is_shared or floor_of(parts[1]) < floor_of(room), f"{room} imports {name}"


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_rooms_without_tensors_load_no_torch(path: Path) -> None:
    if room_of(path) in FREE_OF_TORCH:
        assert not {name for name in module_level_imports(path) if name.split(".")[0] == "torch"}


def test_every_file_stands_on_a_floor() -> None:
    assert {room_of(path) for path in FILES} == set().union(*FLOORS)
