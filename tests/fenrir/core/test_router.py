import math
import re
import time
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fenrir.core.converters import DEFAULT, pattern_of, tail
from fenrir.core.pattern import Parameter, Static, braces
from fenrir.core.router import Entry, Found, NotAllowed, Options, Redirected, Router, Slashes

TYPES = DEFAULT.extend({"anything": tail(regex=".*", name="anything"), "letters": pattern_of("[a-c/]+")})


def route(text: str, **habits: Any) -> Entry:
    """`METHODS path`, `*` for all methods, `/...` for a mount; the text is the target."""
    methods, path = text.split()
    prefix = path.endswith("/...")
    path = path.removesuffix("/...") or "/"
    served = None if methods == "*" else frozenset(methods.split(","))
    return Entry(braces(path, TYPES), served, text, prefix=prefix, **habits)


def router(*texts: str, **habits: Any) -> Router:
    return Router(route(text, **habits) for text in texts)


@pytest.mark.parametrize(
    ("path", "target", "values"),
    [
        ("/", "GET /", ()),
        ("/users/me", "GET /users/me", ()),
        ("/users/7", "GET /users/{id:int}", (7,)),
        ("/users/-7", "GET /users/{id:int}", (-7,)),
        ("/users/7.5", "GET /users/{id:float}", (7.5,)),
        ("/users/v7", "GET /users/v{n:int}", (7,)),
        ("/users/vx", "GET /users/{name}", ("vx",)),
        ("/users/a.txt", "GET /users/{name}.txt", ("a",)),
        ("/users/a/b", "GET /users/{rest:path}", ("a/b",)),
        ("/users/a/b/meta", "GET /users/{rest:path}/meta", ("a/b",)),
        ("/users/meta", "GET /users/{name}", ("meta",)),
        ("/users/a/b/meta/x", "GET /users/{rest:path}", ("a/b/meta/x",)),
        ("/m/x/y", "GET /m/...", ("/x/y",)),
        ("/m/", "GET /m/...", ("/",)),
        ("/m", "GET /m/...", ("",)),
        ("/m/in/y", "GET /m/in/...", ("/y",)),
        ("/m/in/z", "GET /m/in/z", ()),
        ("/m/7/x", "GET /m/{id:int}/x", (7,)),
        ("/m/7/y", "GET /m/...", ("/7/y",)),
        ("/all/", "GET /all/{p:anything}", ("",)),
        ("/all//x", "GET /all/{p:anything}", ("/x",)),
    ],
)
def test_the_most_specific_route_wins_in_any_order(path, target, values):
    texts = [
        "GET /",
        "GET /users/me",
        "GET /users/v{n:int}",
        "GET /users/{name}.txt",
        "GET /users/{id:int}",
        "GET /users/{id:float}",
        "GET /users/{name}",
        "GET /users/{rest:path}/meta",
        "GET /users/{rest:path}",
        "GET /m/in/z",
        "GET /m/in/...",
        "GET /m/{id:int}/x",
        "GET /m/...",
        "GET /all/{p:anything}",
    ]
    for order in (texts, texts[::-1]):
        assert router(*order).find("GET", path) == Found(target, values)


@pytest.mark.parametrize(
    "path", ["", "*", "/x", "/users", "/users/", "/users//", "/mm", "//", "//users/me", "/users/me/", "/all"]
)
def test_what_is_nothing(path):
    found = router("GET /", "GET /users/me", "GET /users/{name}", "GET /m/...", "GET /all/{p:anything}").find(
        "GET", path
    )
    assert found is None


def test_what_is_not_a_path_is_nothing_even_to_a_route_for_everything():
    table = router("* /{p:anything}", "* /...")
    for target in ("*", "", "x"):
        assert table.find("OPTIONS", target) is None


def test_a_less_specific_route_with_the_method_beats_a_more_specific_one_without():
    table = router("GET /u/me", "GET /u/{id:int}", "PUT /u/{name}", "POST /{p:path}", "DELETE /...")
    assert table.find("PUT", "/u/me") == Found("PUT /u/{name}", ("me",))
    assert table.find("PUT", "/u/7") == Found("PUT /u/{name}", ("7",))
    assert table.find("POST", "/u/7") == Found("POST /{p:path}", ("u/7",))
    assert table.find("DELETE", "/u/7") == Found("DELETE /...", ("/u/7",))
    assert table.find("PATCH", "/u/7") == NotAllowed(frozenset({"GET", "PUT", "POST", "DELETE"}))
    assert table.find("PATCH", "/u/x") == NotAllowed(frozenset({"PUT", "POST", "DELETE"}))


def test_methods_of_routes_that_do_not_match_are_not_named():
    table = router("PUT /{p:letters}/x", "POST /{a:letters}/{b:letters}/y")
    assert table.find("GET", "/z/x") is None
    assert table.find("GET", "/a/z/y") is None
    assert table.find("GET", "/a/b/y") == NotAllowed(frozenset({"POST"}))
    assert table.find("POST", "/a/b/c/y") == Found("POST /{a:letters}/{b:letters}/y", ("a", "b/c"))


def test_a_route_for_every_method_stands_behind_one_for_some():
    table = router("* /a", "GET /a")
    assert table.find("GET", "/a").target == "GET /a"
    assert table.find("BREW", "/a").target == "* /a"
    assert table.find("get", "/a").target == "* /a"


def test_a_fixed_path_gives_the_same_object():
    table = router("GET /a")
    assert table.find("GET", "/a") is table.find("GET", "/a")


def test_head_and_options_by_habit():
    table = router("GET /a", "GET /u/{x}", head=True, options=True)
    for path in ("/a", "/u/1"):
        assert table.find("HEAD", path).target == table.find("GET", path).target
        assert table.find("OPTIONS", path) == Options(frozenset({"GET", "HEAD", "OPTIONS"}))
        assert table.find("POST", path) == NotAllowed(frozenset({"GET", "HEAD", "OPTIONS"}))
    strict = router("GET /a")
    assert strict.find("HEAD", "/a") == strict.find("OPTIONS", "/a") == NotAllowed(frozenset({"GET"}))


def test_head_and_options_of_one_s_own():
    table = Router(
        [route("GET /a", head=True, options=True), route("HEAD /a"), route("OPTIONS /{p:path}"), route("* /...")]
    )
    assert table.find("HEAD", "/a").target == "HEAD /a"
    assert table.find("OPTIONS", "/a").target == "OPTIONS /{p:path}"


def test_a_mount_does_not_take_options_from_a_route_inside():
    table = Router([route("GET /a", options=True), route("GET /u/{x}", options=True), route("* /...")])
    assert table.find("OPTIONS", "/a") == Options(frozenset({"GET", "OPTIONS"}))
    assert table.find("OPTIONS", "/u/1") == Options(frozenset({"GET", "OPTIONS"}))
    assert table.find("OPTIONS", "/b") == Found("* /...", ("/b",))


@pytest.mark.parametrize(
    ("slashes", "without", "with_slash"),
    [
        # What the other spelling gives, of `/a` and of `/b/`.
        (Slashes.STRICT, None, None),
        (Slashes.REDIRECT_308, Redirected("/a", 308), Redirected("/b/", 308)),
        (Slashes.REDIRECT_307, Redirected("/a", 307), Redirected("/b/", 307)),
        (Slashes.APPEND_308, None, Redirected("/b/", 308)),
        (Slashes.EITHER, Found("GET /a", ()), Found("GET /b/", ())),
        (Slashes.IGNORE, Found("GET /a", ()), Found("GET /b/", ())),
    ],
)
def test_slashes_at_the_end(slashes, without, with_slash):
    table = router("GET /a", "GET /b/", slashes=slashes)
    assert table.find("GET", "/a/") == without
    assert table.find("GET", "/b") == with_slash
    assert table.find("GET", "/a").target == "GET /a"
    assert table.find("GET", "/b/").target == "GET /b/"
    dynamic = router("GET /{x}/a", "GET /{x}/b/", slashes=slashes)
    for path, fixed in (("/a/", without), ("/b", with_slash)):
        found = dynamic.find("GET", "/1" + path)
        match fixed:
            case None:
                assert found is None
            case Redirected():
                assert found == Redirected("/1" + fixed.path, fixed.status)
            case Found():
                assert found == Found(fixed.target.replace(" ", " /{x}"), ("1",))


def test_ignored_slashes_are_any_number():
    table = router("GET /a", "GET /u/{x}/", slashes=Slashes.IGNORE)
    assert table.find("GET", "/a///") == Found("GET /a", ())
    assert table.find("GET", "/u/1///") == Found("GET /u/{x}/", ("1",))
    assert router("GET /a", slashes=Slashes.EITHER).find("GET", "/a//") is None


def test_a_spelling_of_its_own_beats_the_other_spelling_of_another():
    table = Router([route("GET /a", slashes=Slashes.EITHER), route("GET /a/"), route("* /b/"), route("GET /b")])
    assert table.find("GET", "/a/").target == "GET /a/"
    table = Router([route("GET /b", slashes=Slashes.EITHER), route("* /b/")])
    assert table.find("GET", "/b/").target == "* /b/"
    assert table.reports == ()


def test_a_redirect_is_for_a_method_that_is_served_there():
    table = Router([route("GET /a"), route("POST /a/", slashes=Slashes.APPEND_308)])
    assert table.find("POST", "/a") == Redirected("/a/", 308)
    assert table.find("PUT", "/a") == NotAllowed(frozenset({"GET"}))


def test_the_rest_of_a_path_keeps_its_slash():
    table = router("GET /f/{p:path}", slashes=Slashes.REDIRECT_308)
    assert table.find("GET", "/f/a/") == Found("GET /f/{p:path}", ("a/",))
    table = router("GET /f/{p:path}/", slashes=Slashes.REDIRECT_308)
    assert table.find("GET", "/f/a/b") == Redirected("/f/a/b/", 308)


@pytest.mark.parametrize(
    "path", ["//evil.example", "///evil.example", "/\\evil.example", "/\t/evil.example", "/é ?#%2F"]
)
def test_a_redirect_stays_on_this_server(path):
    found = router("GET /{p:anything}/", slashes=Slashes.REDIRECT_308).find("GET", path)
    assert isinstance(found, Redirected)
    assert found.path.startswith("/") and not found.path.startswith("//")
    assert re.fullmatch(r"/[A-Za-z0-9%./]*/", found.path)


def test_explain_names_the_winner_and_the_others():
    table = Router(
        [route("GET /u/{id:int}", head=True), route("POST /u/{name}"), route("GET /{p:path}"), route("GET /x")]
    )
    assert table.explain("POST", "/u/7") == [
        "POST /u/7",
        "  GET /u/{id:int}: matches, but serves only GET, HEAD",
        "  POST /u/{name}: wins: the most specific route that serves the method",
        "  GET /{p:path}: matches, but serves only GET",
    ]
    assert "GET answers HEAD" in table.explain("HEAD", "/u/7")[1]
    assert table.explain("PUT", "/u/7")[-1] == "  405: the path serves GET, HEAD, POST"
    assert table.explain("GET", "")[-1] == "  404: no route matches"
    either = router("GET /a", slashes=Slashes.EITHER)
    assert either.explain("GET", "/a/")[1].endswith("(either slash)")
    assert router("GET /a", slashes=Slashes.REDIRECT_307).explain("GET", "/a/")[-1] == "  redirect 307 to /a"
    assert "GET, OPTIONS" in router("GET /a", options=True).explain("OPTIONS", "/a")[-1]


# The oracle: every route as one regular expression, tried in order of specificity.

STEPS = [
    "a",
    "b",
    "a.b",
    "{i:int}",
    "{s}",
    "{s}.b",
    "a{s}",
    "{p:path}",
    "{q:anything}",
    "{p:path}.b",
    "{q:anything}-{s}",
]
STEP = st.sampled_from(STEPS)
TEXTS = st.lists(STEP, min_size=0, max_size=4)
ROUTES = st.lists(
    st.tuples(st.sampled_from(["GET", "POST", "GET,POST"]), TEXTS, st.booleans(), st.booleans()), min_size=1, max_size=8
)
PATHS = st.lists(st.sampled_from(["a", "b", "a.b", "7", "ab", "", "x.b"]), min_size=1, max_size=6)


def numbered(steps: list[str]) -> str:
    return "/" + "/".join(re.sub(r"\{(\w)", rf"{{\g<1>{place}", step) for place, step in enumerate(steps))


def made(drawn: list[tuple[str, list[str], bool, bool]]) -> list[Entry]:
    entries = []
    for number, (methods, steps, slash, prefix) in enumerate(drawn):
        text = numbered(steps)
        prefix = prefix and bool(steps)
        if slash and steps and not prefix:
            text += "/"
        entries.append(Entry(braces(text, TYPES), frozenset(methods.split(",")), number, prefix=prefix))
    return entries


def expression(entry: Entry) -> re.Pattern[str]:
    steps = entry.pattern.segments if entry.prefix else entry.pattern.steps
    text = ""
    for step in steps:
        text += "/" + "".join(
            re.escape(part.text) if isinstance(part, Static) else f"({part.converter.regex})" for part in step
        )
    return re.compile(text + "(|/.*)" if entry.prefix else text, re.DOTALL)


def specificity(entries: list[Entry]) -> Callable[[Entry], list[Any]]:
    """Order as the docstring of the router says; between equals the first that used that beginning of a path."""
    first: dict[Any, int] = {}

    def shapes(entry: Entry) -> list[Any]:
        steps = entry.pattern.segments if entry.prefix else entry.pattern.steps
        return [tuple(p.text if isinstance(p, Static) else p.converter for p in step) for step in steps]

    dynamic = [entry for entry in entries if entry.prefix or entry.pattern.fixed is None]
    for entry in dynamic:
        for length in range(len(shapes(entry)) + 1):
            first.setdefault(tuple(shapes(entry)[:length]), len(first))

    def key(entry: Entry) -> list[Any]:
        if not entry.prefix and entry.pattern.fixed is not None:
            return [(-1,)]
        steps = entry.pattern.segments if entry.prefix else entry.pattern.steps
        keys: list[Any] = []
        for place, step in enumerate(steps, 1):
            since = first[tuple(shapes(entry)[:place])]
            parameters = [part.converter for part in step if isinstance(part, Parameter)]
            fixed = sum(len(part.text) for part in step if isinstance(part, Static))
            if not parameters:
                keys.append((0, 0, 0, 0, since))
                continue
            several = any(converter.multi_segment for converter in parameters)
            weight = sum(converter.weight for converter in parameters)
            keys.append((2 if several else 1, len(step) == 1, -fixed, weight, since))
        return [*keys, (4 if entry.prefix else 3,)]

    return key


@pytest.mark.slow
@settings(max_examples=400, deadline=None)
@given(ROUTES, PATHS, st.sampled_from(["GET", "POST", "PUT"]))
def test_the_same_as_expressions_in_order_of_specificity(drawn, parts, method):
    entries = made(drawn)
    path = "/" + "/".join(parts)
    matching = [entry for entry in sorted(entries, key=specificity(entries)) if expression(entry).fullmatch(path)]
    serving = [entry for entry in matching if method in (entry.methods or ())]
    found = Router(entries).find(method, path)
    if serving:
        assert isinstance(found, Found)
        assert found.target == serving[0].target
        check_values(serving[0], path, found.values)
    elif matching:
        assert found == NotAllowed(frozenset().union(*(entry.methods or () for entry in matching)))
    else:
        assert found is None


def check_values(entry: Entry, path: str, values: tuple[Any, ...]) -> None:
    """The values put back into the pattern give the path: which of several splits is taken is not the oracle's."""
    texts = iter([str(value) for value in values])
    steps = entry.pattern.segments if entry.prefix else entry.pattern.steps
    rebuilt = "".join(
        "/" + "".join(part.text if isinstance(part, Static) else next(texts) for part in step) for step in steps
    )
    assert rebuilt + "".join(texts) == path


def cost(call: Callable[[], object], number: int = 300) -> float:
    best = math.inf
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(number):
            call()
        best = min(best, time.perf_counter() - begin)
    return best / number


@pytest.mark.slow
def test_the_cost_does_not_grow_with_the_number_of_routes():
    def table(count: int) -> Router:
        kinds = ("GET /r{}/items", "GET /r{}/{{id:int}}/x", "GET /r{}/{{name}}", "GET /r{}/f/{{p:path}}")
        return Router(route(kinds[number % 4].format(number // 4)) for number in range(count))

    few, many = table(12), table(10_000)
    for path in ("/r1/items", "/r1/7/x", "/r1/name", "/r1/f/a/b", "/r1/7/y", "/zzz"):
        assert type(few.find("GET", path)) is type(many.find("GET", path))
        small, large = (cost(lambda table=table, path=path: table.find("GET", path)) for table in (few, many))
        assert large < 2 * small, path


HOSTILE = [
    "/a" * 10_000,
    "/" * 10_000,
    "/x" * 10_000 + "/y",
    "/" + "a" * 65_000,
    "/" + "-" * 8_000,
    "/" + "1" * 8_000,
    "/x" * 499,
    "/" + "-" * 8_000 + "/!",
    "/" + "1." * 4_000 + "/",
    "/" + "-/" * 4_000,
]


@pytest.mark.parametrize("path", HOSTILE, ids=range(len(HOSTILE)))
def test_hostile_paths_cost_little(path):
    table = router(
        "GET /{a}/{b}/{c}/{d}/x",
        "GET /{a:int}/{b:int}/{c:int}/y",
        "GET /f/{p:path}/meta/{x}",
        "GET /{p:path}/meta",
        "GET /{a:path}/x/{b:path}/y/{c:path}/z",
        "GET /{a}-{b}-{c}-{d}!",
        "GET /{n:uuid}",
        "GET /{p:path}-{b}!",
        "GET /{p:path}.{a}.{n:int}",
    )
    table.find("GET", path)
    # About 1 ms; the bound is for a loaded machine.
    assert cost(lambda: table.find("GET", path), 1) < 0.02
