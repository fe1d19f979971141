"""The pages of Swagger UI and ReDoc as functions, for applications that serve them in their own way.

SECURITY: what is given stands in the pages as escaped text, escaped attributes, or JavaScript literals in which nothing
can end the script.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from html import escape
from typing import Any

from fenrir.fastapi.responses import HTMLResponse
from fenrir.kit.openapi.pages import SCRIPTS
from fenrir.kit.validation import jsonable_encoder

__all__ = [
    "get_redoc_html",
    "get_swagger_ui_html",
    "get_swagger_ui_oauth2_redirect_html",
    "swagger_ui_default_parameters",
]

FAVICON = "https://fastapi.tiangolo.com/img/favicon.png"
FONTS = "https://fonts.googleapis.com/css?family=Montserrat:300,400,700|Roboto:300,400,700"

swagger_ui_default_parameters: dict[str, Any] = {
    "dom_id": "#swagger-ui",
    "layout": "BaseLayout",
    "deepLinking": True,
    "showExtensions": True,
    "showCommonExtensions": True,
}
"""Settings of Swagger UI that hold where none are given."""

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
{head}
</head>
<body>
{body}
</body>
</html>
"""

_SWAGGER_SCRIPT = """
const ui = SwaggerUIBundle({{
url: {url},
{settings}presets: [
SwaggerUIBundle.presets.apis,
SwaggerUIBundle.SwaggerUIStandalonePreset
],
}});
{after}"""


def get_swagger_ui_html(
    *,
    openapi_url: str,
    title: str,
    swagger_js_url: str = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui-bundle.js",
    swagger_css_url: str = "https://cdn.jsdelivr.net/npm/swagger-ui-dist@5/swagger-ui.css",
    swagger_favicon_url: str = FAVICON,
    oauth2_redirect_url: str | None = None,
    init_oauth: Mapping[str, Any] | None = None,
    swagger_ui_parameters: Mapping[str, Any] | None = None,
) -> HTMLResponse:
    """Return the page of Swagger UI.

    Args:
        openapi_url: of the document that it shows.
        oauth2_redirect_url: the path to which a login returns, of `get_swagger_ui_oauth2_redirect_html`.
        init_oauth: what it fills into its login form.
        swagger_ui_parameters: its settings, over `swagger_ui_default_parameters`.
    """
    script = swagger_script(openapi_url, oauth2_redirect_url, init_oauth, swagger_ui_parameters)
    head = [
        f'<link rel="stylesheet" href="{escape(swagger_css_url)}">',
        f'<link rel="shortcut icon" href="{escape(swagger_favicon_url)}">',
    ]
    body = [
        '<div id="swagger-ui"></div>',
        f'<script src="{escape(swagger_js_url)}"></script>',
        f"<script>{script}</script>",
    ]
    return _page(title, head, body)


def swagger_script(
    openapi_url: str,
    oauth2_redirect_url: str | None,
    init_oauth: Mapping[str, Any] | None,
    swagger_ui_parameters: Mapping[str, Any] | None,
) -> str:
    """Return what stands between the tags of the script that starts Swagger UI."""
    merged = {**swagger_ui_default_parameters, **(swagger_ui_parameters or {})}
    settings = "".join(f"{_literal(name)}: {_literal(jsonable_encoder(value))},\n" for name, value in merged.items())
    if oauth2_redirect_url:
        settings += f"oauth2RedirectUrl: window.location.origin + {_quoted(oauth2_redirect_url)},\n"
    after = f"ui.initOAuth({_literal(jsonable_encoder(init_oauth))});\n" if init_oauth else ""
    return _SWAGGER_SCRIPT.format(url=_quoted(openapi_url), settings=settings, after=after)


def get_redoc_html(
    *,
    openapi_url: str,
    title: str,
    redoc_js_url: str = "https://cdn.jsdelivr.net/npm/redoc@2/bundles/redoc.standalone.js",
    redoc_favicon_url: str = FAVICON,
    with_google_fonts: bool = True,
) -> HTMLResponse:
    """Return the page of ReDoc.

    Args:
        openapi_url: of the document that it shows.
        with_google_fonts: load fonts from Google.
    """
    head = [f'<link rel="stylesheet" href="{escape(FONTS)}">'] if with_google_fonts else []
    head += [
        f'<link rel="shortcut icon" href="{escape(redoc_favicon_url)}">',
        "<style>body { margin: 0; padding: 0; }</style>",
    ]
    body = [
        "<noscript>ReDoc needs JavaScript to show this documentation.</noscript>",
        f'<redoc spec-url="{escape(openapi_url)}"></redoc>',
        f'<script src="{escape(redoc_js_url)}"></script>',
    ]
    return _page(title, head, body)


def get_swagger_ui_oauth2_redirect_html() -> HTMLResponse:
    """Return the page to which an authorization server sends the browser; it tells Swagger UI and closes."""
    return _page("Swagger UI: OAuth2 Redirect", [], [f"<script>\n{SCRIPTS['oauth2-redirect.js']}</script>"])


def _page(title: str, head: list[str], body: list[str]) -> HTMLResponse:
    return HTMLResponse(_PAGE.format(title=escape(title), head="\n".join(head), body="\n".join(body)))


def _literal(value: Any) -> str:
    """Return a value as JSON in which nothing ends a script or begins a comment."""
    return json.dumps(value).replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _quoted(text: str) -> str:
    """Return text as a literal in single quotes."""
    inner = _literal(text)[1:-1].replace('\\"', '"').replace("'", "\\u0027")
    return f"'{inner}'"
