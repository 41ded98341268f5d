"""The web application: addresses under /api, the page under /, and one sentence for whatever goes wrong."""

import importlib.util
import logging
from pathlib import Path
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException as AnyHTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import StaticFiles

from vael.errors import VaelError
from vael.studio.form import find_field
from vael.studio.guard import Guard
from vael.studio.routes import latent, live, pictures, recipes, runs, verbs
from vael.studio.shelf import Missing
from vael.studio.state import REFUSALS, Studio

__all__ = ["build_app"]

PAGE = Path(__file__).parent / "page"
CHARTS = "package_data/plotly.min.js"

log = logging.getLogger("vael.studio")


def build_app(root: Path, *, data_root: Path | None = None, token: str | None = None) -> FastAPI:
    """Build the studio of one runs folder.

    Arguments:
        root: The folder that holds the runs; it need not exist yet.
        data_root: Where to look for data first.
        token: What every request must show; None where only this machine can ask.
    """
    app = FastAPI(title="vael studio", openapi_url="/api/openapi.json", docs_url=None, redoc_url=None)
    app.state.studio = Studio(root, data_root)
    for router in (runs.router, recipes.router, pictures.router, latent.router, verbs.router, live.router):
        app.include_router(router, prefix="/api", responses=REFUSALS)
    _tell_errors(app)
    app.add_middleware(Guard, token=token)
    app.get("/plotly.js", include_in_schema=False)(_charts)
    app.mount("/", StaticFiles(directory=PAGE, html=True), name="page")
    return app


def _charts() -> Response:
    """Serve plotly.js as it lies in the plotly package, without importing the package."""
    found = importlib.util.find_spec("plotly")
    if found is None or found.origin is None:
        raise Missing("the charts need plotly: pip install 'vael[studio]'")
    path = Path(found.origin).parent / CHARTS
    return FileResponse(path, media_type="text/javascript", headers={"cache-control": "private, max-age=86400"})


def _tell_errors(app: FastAPI) -> None:
    """Answer every error with one sentence; tracebacks go to the log of the studio's own process."""

    @app.exception_handler(VaelError)
    async def tell(request: Request, error: Exception) -> Response:
        status = 404 if isinstance(error, Missing) else 422
        return _sentence(status, str(error))

    @app.exception_handler(RequestValidationError)
    async def tell_invalid(request: Request, error: Any) -> Response:
        first = error.errors()[0]
        field = ".".join(str(part) for part in first["loc"][1:]) or "the request"
        return JSONResponse({"detail": f"{field}: {first['msg']}", "field": field}, status_code=422)

    @app.exception_handler(AnyHTTPException)
    async def tell_refusal(request: Request, error: Any) -> Response:
        return JSONResponse(
            {"detail": str(error.detail), "field": None}, status_code=error.status_code, headers=error.headers
        )

    @app.exception_handler(ClientDisconnect)
    async def tell_nobody(request: Request, error: Exception) -> Response:
        return _sentence(400, "the upload broke off")

    @app.exception_handler(Exception)
    async def tell_defect(request: Request, error: Exception) -> Response:
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
        return _sentence(500, f"the studio failed at this ({type(error).__name__}): its terminal shows where")


def _sentence(status: int, text: str) -> Response:
    return JSONResponse({"detail": text, "field": find_field(text)}, status_code=status)
