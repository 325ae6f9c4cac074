"""`/docs`: the API's description as a page that people can try it from. All it needs comes from this service: a
church's network may let nothing else through."""

from __future__ import annotations

from importlib.resources import files

from fastapi import APIRouter, FastAPI, Request
from fastapi.openapi.docs import get_swagger_ui_html
from fastapi.responses import HTMLResponse
from fastapi.staticfiles import StaticFiles

ASSETS = "/docs/assets"
_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
    "connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)


def describe(app: FastAPI) -> None:
    """Put the page and what it loads into the application. Swagger UI's files are those of the wheel fastapi-offline,
    nothing else of it is used."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/docs")
    async def page(request: Request) -> HTMLResponse:
        place = request.scope.get("root_path", "")
        html = get_swagger_ui_html(
            openapi_url=f"{place}{app.openapi_url}",
            title=app.title,
            swagger_js_url=f"{place}{ASSETS}/swagger-ui-bundle.js",
            swagger_css_url=f"{place}{ASSETS}/swagger-ui.css",
            swagger_favicon_url=f"{place}{ASSETS}/favicon.png",
            swagger_ui_parameters={"validatorUrl": None},
        )
        html.headers["Content-Security-Policy"] = _POLICY
        return html

    app.include_router(routes)
    app.mount(ASSETS, StaticFiles(directory=str(files("fastapi_offline") / "static")), name="docs assets")
