"""The application against its own OpenAPI schema: whatever comes, nothing breaks and every answer is a declared one."""

import shutil
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, Phase, given, settings

from vael.studio.app import build_app

schemathesis = pytest.importorskip("schemathesis", reason="the schema is tested with schemathesis")

from schemathesis.checks import not_a_server_error  # noqa: E402 (after the skip)
from schemathesis.specs.openapi.checks import (  # noqa: E402
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

CHECKS = [not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance]
FEW = settings(
    max_examples=15,
    deadline=None,
    derandomize=True,  # the same requests each time: a failure must come back
    phases=[Phase.explicit, Phase.generate],  # no shrinking: the first failing request is told as it is
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
)
SLOW = r"/figures/|/snapshots/|/samples\.png"  # they draw for seconds; test_api asks them
HERE = {"host": "localhost"}
STARTS = "^train|^resume"  # they start processes


@pytest.fixture(scope="module")
def app(runs, tmp_path_factory: pytest.TempPathFactory) -> FastAPI:
    """Return the application over copies: names are guessed, and deleting them is allowed."""
    root: Path = tmp_path_factory.mktemp("schema") / "runs"
    for name, copy in ((runs.digits, "digits"), (runs.table, "table"), (runs.table, "spare")):
        shutil.copytree(runs.root / name, root / copy)
    return build_app(root)


@pytest.fixture
def api(app: FastAPI) -> Any:
    loaded = schemathesis.openapi.from_asgi("/api/openapi.json", app, headers=HERE)
    for verb, operation in _operations(loaded.raw_schema):
        known = ["spare"] if verb in ("delete", "patch") else ["digits", "table"]
        for parameter in operation.get("parameters", []):
            if parameter["name"] == "name":  # most guesses would name no run, and test only that
                parameter["schema"] |= {"enum": [*known, "absent", "..", "ä b"]}
    return loaded.exclude(path_regex=SLOW).exclude(operation_id_regex=STARTS)


def _operations(tree: dict[str, Any]) -> list[tuple[str, dict[str, Any]]]:
    return [found for path in tree["paths"].values() for found in path.items()]


def test_every_answer_is_a_declared_one(api: Any, subtests: pytest.Subtests) -> None:
    """Not by schemathesis' own plugin, which does not know this pytest."""
    asked = 0
    for found in api.get_all_operations():
        operation = found.ok()

        @FEW
        @given(case=operation.as_strategy())
        def ask(case: Any) -> None:
            case.call_and_validate(checks=CHECKS, headers=HERE)

        with subtests.test(operation.label):
            ask()
        asked += 1
    assert asked > 15


def test_the_schema_is_complete(app: FastAPI) -> None:
    """An address without an answer's description would pass every check."""
    operations = _operations(app.openapi())
    assert len(operations) > 20
    for verb, operation in operations:
        answers = operation["responses"]
        assert {"404", "409", "413", "422"} < set(answers), (verb, operation["operationId"])
        assert any(code.startswith("2") for code in answers), (verb, operation["operationId"])
