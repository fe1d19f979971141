"""Small parts that upstream keeps under this name, and that packages for it import from here."""

from fenrir.starlette._awaitable import AwaitableOrContextManager, AwaitableOrContextManagerWrapper
from fenrir.starlette._calls import is_async_callable
from fenrir.starlette._groups import create_collapsing_task_group
from fenrir.starlette._paths import get_route_path
from fenrir.starlette._url import ParsedHost, parse_host_header

__all__ = [
    "AwaitableOrContextManager",
    "AwaitableOrContextManagerWrapper",
    "ParsedHost",
    "create_collapsing_task_group",
    "get_route_path",
    "is_async_callable",
    "parse_host_header",
]
