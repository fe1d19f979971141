"""Names that upstream's modules have only because they import them, and that extensions import from there.

`from flask.app import Rule` works on the original although Werkzeug's `Rule` is no part of Flask's interface. Each of
our modules looks a name that it does not have up here.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

__all__ = ["incidental"]

_OF_MANY = {
    "annotations": "__future__:annotations",
    "BadRequest": "werkzeug.exceptions:BadRequest",
    "BadRequestKeyError": "werkzeug.exceptions:BadRequestKeyError",
    "BaseResponse": "werkzeug.wrappers:Response",
    "HTTPException": "werkzeug.exceptions:HTTPException",
    "Headers": "werkzeug.datastructures:Headers",
    "ImmutableDict": "werkzeug.datastructures:ImmutableDict",
    "InternalServerError": "werkzeug.exceptions:InternalServerError",
    "LocalProxy": "werkzeug.local:LocalProxy",
    "MapAdapter": "werkzeug.routing:MapAdapter",
    "Markup": "markupsafe:Markup",
    "ModuleType": "types:ModuleType",
    "RequestRedirect": "werkzeug.routing:RequestRedirect",
    "RoutingException": "werkzeug.routing:RoutingException",
    "Rule": "werkzeug.routing:Rule",
    "TracebackType": "types:TracebackType",
    "UUID": "uuid:UUID",
    "_cv_app": "fenrir.flask.globals:_cv_app",
    "_cv_request": "fenrir.flask.globals:_cv_request",
    "_split_blueprint_path": "fenrir.flask.origins:_split_blueprint_path",
    "ast": "ast",
    "b64decode": "base64:b64decode",
    "b64encode": "base64:b64encode",
    "c": "collections.abc",
    "cabc": "collections.abc",
    "chain": "itertools:chain",
    "click": "click",
    "current_app": "fenrir.flask.globals:current_app",
    "datetime": "datetime:datetime",
    "ft": "fenrir.flask.typing",
    "g": "fenrir.flask.globals:g",
    "get_host": "werkzeug.wsgi:get_host",
    "hashlib": "hashlib",
    "http_date": "werkzeug.http:http_date",
    "import_string": "werkzeug.utils:import_string",
    "importlib": "importlib",
    "inspect": "inspect",
    "itemgetter": "operator:itemgetter",
    "json": "fenrir.flask.json",
    "os": "os",
    "parse_date": "werkzeug.http:parse_date",
    "platform": "platform",
    "re": "re",
    "request": "fenrir.flask.globals:request",
    "request_ctx": "fenrir.flask.globals:request_ctx",
    "send_from_directory": "fenrir.flask.helpers:send_from_directory",
    "session": "fenrir.flask.globals:session",
    "sys": "sys",
    "t": "typing",
    "timedelta": "datetime:timedelta",
    "timezone": "datetime:timezone",
    "traceback": "traceback",
    "update_wrapper": "functools:update_wrapper",
    "weakref": "weakref",
    "werkzeug": "werkzeug",
}

_OF_ONE = {
    "flask": {
        "sansio": "fenrir.flask.sansio",
        "typing": "fenrir.flask.typing",
        "wrappers": "fenrir.flask.wrappers",
    },
    "app": {
        "App": "fenrir.flask.application:App",
        "Environment": "fenrir.flask.templating:Environment",
        "Response": "fenrir.flask.response:Response",
        "SecureCookieSessionInterface": "fenrir.flask.sessions:SecureCookieSessionInterface",
        "SessionInterface": "fenrir.flask.sessions:SessionInterface",
        "_make_timedelta": "fenrir.flask.application:_timedelta",
        "_url_quote": "urllib.parse:quote",
        "appcontext_tearing_down": "fenrir.flask.signals:appcontext_tearing_down",
        "get_flashed_messages": "fenrir.flask.helpers:get_flashed_messages",
        "got_request_exception": "fenrir.flask.signals:got_request_exception",
        "is_running_from_reloader": "werkzeug.serving:is_running_from_reloader",
        "request_finished": "fenrir.flask.signals:request_finished",
        "request_started": "fenrir.flask.signals:request_started",
        "request_tearing_down": "fenrir.flask.signals:request_tearing_down",
    },
    "blueprints": {"SansioBlueprint": "fenrir.flask.blueprints:Blueprint"},
    "cli": {
        "ParameterSource": "click.core:ParameterSource",
        "is_running_from_reloader": "werkzeug.serving:is_running_from_reloader",
        "run_simple": "fenrir.flask.serving:run_simple",
    },
    "debughelpers": {
        "App": "fenrir.flask.application:App",
        "BaseLoader": "fenrir.kit.templating:BaseLoader",
        "Blueprint": "fenrir.flask.blueprints:Blueprint",
    },
    "helpers": {"_wz_abort": "werkzeug.exceptions:abort", "_wz_redirect": "werkzeug.utils:redirect"},
    "json": {"_json": "json"},
    "sessions": {
        "BadSignature": "itsdangerous:BadSignature",
        "CallbackDict": "werkzeug.datastructures:CallbackDict",
        "URLSafeTimedSerializer": "itsdangerous:URLSafeTimedSerializer",
    },
    "templating": {"BaseEnvironment": "fenrir.kit.templating:Environment"},
    "testing": {
        "BaseRequest": "werkzeug.wrappers:Request",
        "ScriptInfo": "fenrir.flask.cli:ScriptInfo",
        "SessionMixin": "fenrir.flask.sessions:SessionMixin",
    },
    "wrappers": {"RequestBase": "werkzeug.wrappers:Request", "ResponseBase": "werkzeug.wrappers:Response"},
}


def incidental(module: str) -> Callable[[str], Any]:
    """Return the `__getattr__` of a module."""
    own = _OF_ONE.get(module.removeprefix("fenrir.flask.").removeprefix("fenrir."), {})
    # What the package itself has is asked by extensions that support several versions: no name too many there.
    many = {} if module == "fenrir.flask" else _OF_MANY

    def find(name: str) -> Any:
        target = own.get(name) or many.get(name)
        if target is None:
            raise AttributeError(f"module {module!r} has no attribute {name!r}")
        place, _, attribute = target.partition(":")
        found = import_module(place)
        return getattr(found, attribute) if attribute else found

    return find
