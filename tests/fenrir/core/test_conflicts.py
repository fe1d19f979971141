import dataclasses

import pytest

from fenrir.core.converters import DEFAULT
from fenrir.core.pattern import braces
from fenrir.core.router import Conflict, Entry, Router, Shadowed


@dataclasses.dataclass(frozen=True)
class Line:
    line: int
    file: str = "app.py"


def entries(*routes: str, ordered: bool = False) -> list[Entry]:
    """Each route as `METHODS path`, `*` for all methods, `/...` for a mount."""
    made = []
    for number, route in enumerate(routes, 1):
        methods, path = route.split()
        prefix = path.endswith("/...")
        path = path.removesuffix("/...") or "/"
        made.append(
            Entry(
                braces(path, DEFAULT),
                None if methods == "*" else frozenset(methods.split(",")),
                route,
                source=Line(number),
                ordered=ordered,
                prefix=prefix,
            )
        )
    return made


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("GET /a", "GET /a"),
        ("GET,POST /a", "PUT,POST /a"),
        ("* /a", "* /a"),
        ("GET /u/{a}", "GET /u/{b}"),
        ("GET /u/{a:int}/x", "GET /u/{b:int}/x"),
        ("GET /{a}.txt", "GET /{b}.txt"),
        ("* /m/...", "* /m/..."),
    ],
)
def test_the_same_path_and_method_is_a_conflict(first, second):
    one, other = entries(first, second)
    router = Router([one, other])
    assert router.reports == (Conflict(one, other),)
    assert str(router.reports[0]).count("app.py:") == 2


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("GET /a", "POST /a"),
        ("GET /a", "* /a"),
        ("GET /a", "GET /a/"),
        ("GET /u/{a:int}", "GET /u/{b}"),
        ("GET /u/{a:int(min=1)}", "GET /u/{b:int}"),
        ("GET /{a}.txt", "GET /{b}.html"),
        ("* /m/...", "* /m"),
    ],
)
def test_different_routes_are_not(first, second):
    assert Router(entries(first, second)).reports == ()


def test_the_first_of_a_conflict_wins():
    router = Router(entries("GET /u/{a}", "GET /u/{b}", "GET /x", "GET /x"))
    assert router.find("GET", "/u/1").target == "GET /u/{a}"
    assert router.find("GET", "/x").target == "GET /x"


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("GET /u/{name}", "GET /u/me"),
        ("* /u/{name}", "GET /u/me"),
        ("GET /u/{name}", "GET /u/{id:int}"),
        ("GET /u/{name}", "GET /u/{x}.txt"),
        ("GET /u/{id:int}", "GET /u/7"),
        ("GET /{x}.txt", "GET /a.txt"),
        ("GET /{rest:path}", "GET /a/b"),
        ("GET /a/{rest:path}", "GET /a/{b}/c/{d:path}"),
        ("GET /{a}/{b}/c", "GET /x/{b}/c"),
        ("* /...", "GET /a"),
        ("* /a/...", "GET /a"),
        ("* /a/...", "* /a/b/..."),
        ("* /{x}/...", "GET /a/b"),
    ],
)
def test_a_route_that_its_dialect_would_have_hidden(first, second):
    by, route = entries(first, second, ordered=True)
    router = Router([by, route])
    assert router.reports == (Shadowed(route, by),)
    assert str(router.reports[0]).count("app.py:") == 2
    assert Router([route, by]).reports == ()
    assert Router(entries(first, second)).reports == ()


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("POST /u/{name}", "GET /u/me"),
        ("GET /u/{id:int}", "GET /u/me"),
        ("GET /u/{id:int}", "GET /u/{name}"),
        ("GET /u/{id:int}", "GET /u/{n:float}"),
        ("GET /u/{name}", "GET /u/me/x"),
        ("GET /u/{name}", "GET /u/"),
        ("GET /u/{name}", "GET /u/{p:path}"),
        ("GET /a/{p:path}", "GET /a/"),
        ("GET /a/{p:path}", "GET /a"),
        ("* /a/...", "GET /ab"),
        ("GET /{x}", "* /a/..."),
    ],
)
def test_a_route_that_no_earlier_one_hides(first, second):
    assert Router(entries(first, second, ordered=True)).reports == ()


def test_many_routes_are_checked_in_little_time():
    routes = entries(*(f"GET /r{number}/{{a}}/s/{{b:int}}" for number in range(300)), ordered=True)
    assert Router(routes).reports == ()
