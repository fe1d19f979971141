"""The pages as text: HTML without a line of script in it, three small scripts, and the policy that holds them to it.

SECURITY: what the application says (its title, the address of the document, settings of Swagger UI) stands in the page
as escaped text and escaped attributes only. The scripts are files of their own and read those attributes, so the policy
can forbid every inline script: a title with `</script>` in it is just an ugly title. Only ReDoc, which writes its
styles and its worker while it runs, is allowed those two.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

__all__ = ["SCRIPTS", "content_policy", "oauth2_redirect_page", "redoc_page", "swagger_page"]

SWAGGER_DEFAULTS: Mapping[str, Any] = {
    "dom_id": "#swagger-ui",
    "layout": "BaseLayout",
    "deepLinking": True,
    "showExtensions": True,
    "showCommonExtensions": True,
    "validatorUrl": None,  # its own default sends the document to another host
}

_SWAGGER_SCRIPT = """\
"use strict";
(function () {
  const data = document.getElementById("swagger-ui").dataset;
  const settings = JSON.parse(data.settings);
  settings.presets = [SwaggerUIBundle.presets.apis];
  if (window.SwaggerUIStandalonePreset) settings.presets.push(window.SwaggerUIStandalonePreset);
  if (data.redirect) settings.oauth2RedirectUrl = window.location.origin + data.redirect;
  const ui = SwaggerUIBundle(settings);
  if (data.oauth) ui.initOAuth(JSON.parse(data.oauth));
  window.ui = ui;
})();
"""

_REDOC_SCRIPT = """\
"use strict";
(function () {
  const place = document.getElementById("redoc");
  Redoc.init(place.dataset.url, {disableGoogleFont: true}, place);
})();
"""

_REDIRECT_SCRIPT = """\
"use strict";
(function () {
  const login = window.opener.swaggerUIRedirectOauth2;
  const fragment = window.location.hash.slice(1);
  const told = /code|token|error/.test(fragment) ? fragment.replace("?", "&") : window.location.search.slice(1);
  const answer = Object.fromEntries(new URLSearchParams(told));
  const valid = answer.state === login.state;
  const report = (level, message) =>
    login.errCb({authId: login.auth.name, source: "auth", level: level, message: message});
  const flow = login.auth.schema.get("flow");
  if (!["accessCode", "authorizationCode", "authorization_code"].includes(flow) || login.auth.code) {
    login.callback({auth: login.auth, token: answer, isValid: valid, redirectUrl: login.redirectUrl});
  } else {
    if (!valid) report("warning", "The state that came back is not the one that was sent: this login may be forged.");
    if (answer.code) {
      delete login.state;
      login.auth.code = answer.code;
      login.callback({auth: login.auth, redirectUrl: login.redirectUrl});
    } else {
      const parts = [answer.error, answer.error_description, answer.error_uri].filter(Boolean);
      report("error", parts.join(": ") || "The authorization server sent neither a code nor a reason.");
    }
  }
  window.close();
})();
"""

SCRIPTS: Mapping[str, str] = {
    "swagger-init.js": _SWAGGER_SCRIPT,
    "redoc-init.js": _REDOC_SCRIPT,
    "oauth2-redirect.js": _REDIRECT_SCRIPT,
}
"""Our own scripts by file name."""

_PAGE = """\
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="icon" href="data:,">
{head}</head>
<body>
{body}</body>
</html>
"""


def _page(title: str, scripts: Iterable[str], styles: Iterable[str] = (), body: str = "") -> str:
    head = "".join(f'<link rel="stylesheet" href="{escape(url)}">\n' for url in styles)
    loaded = "".join(f'<script src="{escape(url)}"></script>\n' for url in scripts)
    return _PAGE.format(title=escape(title), head=head, body=body + loaded)


def swagger_page(
    title: str,
    openapi_url: str,
    *,
    scripts: Iterable[str],
    styles: Iterable[str],
    settings: Mapping[str, Any],
    redirect_url: str | None,
    oauth: Mapping[str, Any] | None,
) -> str:
    """Return the page of Swagger UI; all values are escaped here."""
    merged = {**SWAGGER_DEFAULTS, "url": openapi_url, **settings}
    data = {"settings": json.dumps(merged), "redirect": redirect_url, "oauth": json.dumps(oauth) if oauth else None}
    attributes = "".join(f' data-{name}="{escape(value)}"' for name, value in data.items() if value)
    return _page(f"{title} - Swagger UI", scripts, styles, f'<div id="swagger-ui"{attributes}></div>\n')


def redoc_page(title: str, openapi_url: str, *, scripts: Iterable[str]) -> str:
    """Return the page of ReDoc; all values are escaped here."""
    body = (
        f'<noscript>This page needs JavaScript.</noscript>\n<div id="redoc" data-url="{escape(openapi_url)}"></div>\n'
    )
    return _page(f"{title} - ReDoc", scripts, (), body)


def oauth2_redirect_page(script: str) -> str:
    """Return the page to which an authorization server sends the browser."""
    return _page("OAuth2 redirect", [script])


def content_policy(
    *, origin: str | None = None, images: Iterable[str] = (), connect: Iterable[str] = (), generates: bool = False
) -> str:
    """Return the Content-Security-Policy of a page.

    Args:
        origin: another host of scripts and styles.
        images, connect: other hosts of images, and of requests that the page may send.
        generates: the page writes styles and workers while it runs.
    """
    sources = " ".join(filter(None, ["'self'", origin]))
    directives = {
        "default-src": "'self'",
        "script-src": sources,
        "style-src": f"{sources} 'unsafe-inline'" if generates else sources,
        "img-src": " ".join(["'self'", "data:", *images]),
        "connect-src": " ".join(["'self'", *connect]),
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    if generates:
        directives["worker-src"] = "'self' blob:"
    return "; ".join(f"{name} {value}" for name, value in directives.items())
