"""Values, compared with upstream's: the same expression evaluated with either module."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

EXPRESSIONS = r"""
[getattr(URL("https://u:p@Host:123/a/b?x=1&y=#z"), part) for part in PARTS]
[getattr(URL("//h/p"), part) for part in PARTS]
URL("https://u:secret@h/p")
str(URL("https://h:8/p").replace(port=None))
str(URL("https://h:8/p").replace(hostname="::1"))
str(URL("https://[::1]:8/p").replace(port=9, username="u", password="p"))
str(URL("https://u:p@h/p").replace(username=None))
str(URL("/p").replace(hostname="h", port=1))
str(URL("/p?a=1&a=2&b=").include_query_params(a=3, c="ü&"))
str(URL("/p?a=1").replace_query_params(b=[1]))
str(URL("/p?a=1&b=2&a=3").remove_query_params("a"))
str(URL("/p?a=1&b=2").remove_query_params(["a", "b", "c"]))
str(URL(scheme="http", netloc="h", path="/p", query="a"))
URL("http://h") == "http://h"
URL("a", scope={})
URL("a", path="b")
str(URL(scope=SCOPE))
str(URL(scope={**SCOPE, "headers": [(b"host", b"evil.com/x?")]}))
str(URL(scope={**SCOPE, "headers": [(b"host", b"h:99999")]}))
str(URL(scope={**SCOPE, "headers": [(b"host", b"[::1]:8")]}))
str(URL(scope={**SCOPE, "headers": [(b"host", b"[::zz]")]}))
str(URL(scope={**SCOPE, "headers": [], "server": ("::1", 80)}))
str(URL(scope={**SCOPE, "headers": [], "server": ("h", 443)}))
str(URL(scope={**SCOPE, "headers": [], "server": None, "path": "//evil"}))
str(URL(scope={**SCOPE, "path": "/a?b#c\\d"}))
[URLPath("//a"), URLPath("/a\\b"), URLPath("/a", "http").protocol, URLPath("/a", host="h").host]
URLPath("/a", "ftp")
str(URLPath("/a", protocol="websocket").make_absolute_url("https://h/root/"))
str(URLPath("/a", protocol="http", host="other").make_absolute_url(URL("ws://h")))
str(URLPath("/a").make_absolute_url("https://h/root"))
[repr(Secret("x")), str(Secret("x")), bool(Secret("")), bool(Secret("x"))]
[list(CommaSeparatedStrings('a, "b,c" ,d')), str(CommaSeparatedStrings(["a"])), CommaSeparatedStrings("a,b")[1]]
ImmutableMultiDict([("a", 1), ("a", 2)], b=3)
ImmutableMultiDict([], [])
ImmutableMultiDict({"a": 1}).multi_items()
[ImmutableMultiDict([("a", 1), ("b", 2)]) == ImmutableMultiDict([("b", 2), ("a", 1)]), ImmutableMultiDict() == {}]
hash(ImmutableMultiDict())
changed("d['a'] = 9")
changed("d['z'] = 9")
changed("del d['a']")
changed("del d['z']")
changed("d.pop('z')")
changed("d.poplist('a')")
changed("d.popitem()")
changed("d.setdefault('z', 1)")
changed("d.setdefault('a', 1)")
changed("d.setlist('a', [])")
changed("d.setlist('a', [7, 8])")
changed("d.append('a', 9)")
changed("d.update({'a': 5}, z=6)")
changed("d.update([('a', 5), ('a', 6)])")
changed("d.clear()")
[QueryParams("a=1&a=2&b=&c").multi_items(), QueryParams(b"a=%C3%A9+x")["a"], str(QueryParams({"a": 1}, b=2))]
[QueryParams("a=1&a=2"), QueryParams("a=1") == QueryParams({"a": 1}), QueryParams("a=1").getlist("b")]
FormData([("a", "1"), ("a", "2")])
Headers({"A": "1", "b": "é"}).raw
Headers(raw=[(b"a", b"1"), (b"a", b"2")])
[Headers(raw=RAW)["A"], Headers(raw=RAW).get("z", 5), Headers(raw=RAW).getlist("a"), "A" in Headers(raw=RAW)]
[list(Headers(raw=RAW)), Headers(raw=RAW).items(), len(Headers(raw=RAW)), dict(Headers(raw=RAW))]
Headers(raw=RAW)["z"]
[Headers({"a": "1"}) == Headers(raw=[(b"a", b"1")]), Headers({"a": "1"}) == {"a": "1"}]
Headers({}, raw=[])
headers("h['A'] = 'x'")
headers("h['Z'] = 'x'")
headers("del h['a']")
headers("del h['z']")
headers("h.setdefault('a', 'x')")
headers("h.setdefault('z', 'x')")
headers("h.update({'a': '9'})")
headers("h.append('A', 'x')")
headers("h.add_vary_header('Accept')")
headers("h |= {'a': '9'}")
headers("h | [1]")
(MutableHeaders(raw=RAW[:]) | {"z": "1"}).raw
UploadFile(io.BytesIO(b"x"), filename="f", headers=Headers({"content-type": "a/b"})).content_type
UploadFile(io.BytesIO(b"x"), size=1)
Address("h", 1)
[State({"a": 1}).a, State({"a": 1})["a"], list(State({"a": 1})), len(State())]
State().missing
"""


def changed(module: Any) -> Any:
    def run(statement: str) -> Any:
        d = module.MultiDict([("a", 1), ("b", 2), ("a", 3)])
        try:
            value = eval(statement, {"d": d})
        except SyntaxError:
            value = exec(statement, {"d": d})
        return value, d.multi_items(), dict(d)

    return run


def headers(module: Any, raw: list[Any]) -> Any:
    def run(statement: str) -> Any:
        space = {"h": module.MutableHeaders(raw=raw[:])}
        exec(statement, space)
        return space["h"].raw

    return run


def outcome(name: str, expression: str) -> str:
    module = importlib.import_module(f"{name}.datastructures")
    raw = [(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]
    scope = {
        "scheme": "https",
        "path": "/p",
        "query_string": b"q=1",
        "server": ("s", 1),
        "headers": [(b"host", b"h:8")],
    }
    parts = ["scheme", "netloc", "path", "query", "fragment", "username", "password", "hostname", "port", "is_secure"]
    space = {**vars(module), "RAW": raw, "SCOPE": scope, "PARTS": parts, "io": importlib.import_module("io")}
    space |= {"changed": changed(module), "headers": headers(module, raw)}
    try:
        return repr(eval(expression, space))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


@pytest.mark.parametrize("expression", EXPRESSIONS.strip().split("\n"))
def test_as_upstream(expression: str) -> None:
    assert outcome("fenrir.starlette", expression) == outcome("starlette", expression)
