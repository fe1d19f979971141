"""`falcon.App`: the registrar with an engine of its own.

It serves as an ASGI application, as a WSGI application and through Asteri's direct door. Sync responders run in worker
threads, async ones on the loop.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from asteri.exchange import Doors
from fenrir.core.application import Application
from fenrir.core.doors.wsgi import WSGIDoor, both_doors
from fenrir.falcon._dialect import DIALECT
from fenrir.falcon.constants import DEFAULT_MEDIA_TYPE
from fenrir.falcon.door import FalconDoor
from fenrir.falcon.middleware import CORSMiddleware
from fenrir.falcon.request import Request
from fenrir.falcon.response import Response

__all__ = ["App"]


class App(FalconDoor):
    """An application.

    Args:
        media_type: of requests and responses that name none.
        request_type, response_type: classes that responders are given.
        middleware: a component, or several.
        independent_middleware: see `FalconDoor`.
        cors_enable: add a `CORSMiddleware` that allows all origins.
    """

    _response_type: type[Response] = Response

    def __init__(
        self,
        media_type: str = DEFAULT_MEDIA_TYPE,
        request_type: type[Request] | None = None,
        response_type: type[Response] | None = None,
        middleware: object | Iterable[object] | None = None,
        independent_middleware: bool = True,
        cors_enable: bool = False,
        sink_before_static_route: bool = True,
    ) -> None:
        engine = Application(DIALECT, "falcon")
        super().__init__(
            engine,
            engine.scope,
            independent_middleware=independent_middleware,
            sink_before_static_route=sink_before_static_route,
        )
        engine.facade = self
        self._wsgi = WSGIDoor(engine)
        self.req_options.default_media_type = media_type
        self.resp_options.default_media_type = media_type
        if request_type is not None:
            self._use(request_type)
        self.settings.response_type = response_type or self._response_type
        if cors_enable:
            self.add_middleware(CORSMiddleware())
        if middleware is not None:
            self.add_middleware(middleware)

    def _use(self, request_type: type[Request]) -> None:
        if issubclass(request_type, self.settings.async_request_type):
            self.settings.async_request_type = request_type
        else:
            self.settings.request_type = request_type

    def __asteri__(self, version: int) -> Doors | None:
        """Return the direct doors."""
        return self.engine.__asteri__(version)

    @both_doors
    def __call__(self, *args: Any) -> Any:
        """Serve as an ASGI application (scope, receive, send) or a WSGI application (environ, start_response)."""
        return self._wsgi(*args) if len(args) == 2 else self.engine(*args)

    def close(self) -> None:
        """Close the loop behind the WSGI door, if it was used."""
        self._wsgi.close()
