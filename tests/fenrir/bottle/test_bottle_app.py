"""Bottle's way of speaking through the direct and the ASGI door, beside other dialects, and as a WSGI callable."""

import asyncio
import inspect
import threading
from wsgiref.util import setup_testing_defaults

import pytest

from fenrir.bottle import (
    Bottle,
    FormsDict,
    HTTPError,
    HTTPResponse,
    MultiDict,
    RouteBuildError,
    app,
    get,
    path_shift,
    request,
    response,
    yieldroutes,
)
from fenrir.core.declare import DeclarationError
from fenrir.testing import Client

DOORS = pytest.mark.parametrize("door", ["direct", "asgi"])


@DOORS
def test_callbacks_run_in_threads_and_coroutines_on_the_loop(door):
    site = Bottle()
    site.route("/thread")(lambda: str(threading.get_ident()))

    @site.route("/loop")
    async def loop():
        await asyncio.sleep(0)
        response.set_header("X-Path", request.path)
        return {"thread": str(threading.get_ident())}

    with Client(site, door=door) as client:
        worker = client.get("/thread").text
        answer = client.get("/loop")
        assert client.get("/loop").json() == answer.json() != {"thread": worker}
        assert answer.headers["x-path"] == "/loop"


@DOORS
def test_a_hook_can_answer_and_read_the_body_before_routing(door):
    site = Bottle()

    @site.hook("before_request")
    def guard():
        request.size = len(request.body.read())
        if request.query.stop:
            raise HTTPResponse("stopped", 209)

    site.post("/")(lambda: str(request.size))
    with Client(site, door=door) as client:
        assert client.post("/", content=b"abc").text == "3"
        assert client.post("/", content=[b"ab", b"cde"]).text == "5"
        stopped = client.post("/?stop=1")
        assert (stopped.status_code, stopped.text) == (209, "stopped")


def test_removed_hooks_and_plugins_do_not_run():
    site = Bottle()
    calls = []

    def before():
        calls.append("before")

    def plugin(callback):
        def wrapper(*args, **kwargs):
            calls.append("plugin")
            return callback(*args, **kwargs)

        return wrapper

    site.add_hook("before_request", before)
    site.install(plugin)
    site.route("/")(lambda: "x")
    with Client(site) as client:
        client.get("/")
        assert calls == ["before", "plugin"]
        assert site.remove_hook("before_request", before)
        assert site.uninstall(plugin) == [plugin]
        client.get("/")
        assert calls == ["before", "plugin"]


def test_signed_cookies_are_read_only_with_the_key():
    site = Bottle()

    @site.route("/set")
    def give():
        response.set_cookie("k", {"user": 1}, secret="s")

    @site.route("/read/<secret>")
    def read(secret):
        return {"value": request.get_cookie("k", secret=secret, default="none")}

    with Client(site) as client:
        client.get("/set")
        assert client.get("/read/s").json() == {"value": {"user": 1}}
        assert client.get("/read/other").json() == {"value": "none"}


def test_urls_are_built_by_name():
    site = Bottle()
    site.route("/a/<n:int>/<rest:path>", name="a")(lambda n, rest: "")
    assert site.get_url("a", n=5, rest="x/y", q="1 2") == "/a/5/x/y?q=1+2"
    with pytest.raises(RouteBuildError):
        site.get_url("a", n=5)
    with pytest.raises(RouteBuildError, match="No route"):
        site.get_url("b")


def test_own_filters_convert():
    site = Bottle()
    site.router.add_filter("list", lambda config: (rf"\d+(?:{config or ','}\d+)*", lambda t: t.split(","), ",".join))
    site.route("/<ids:list>")(lambda ids: repr(ids))
    with Client(site) as client:
        assert client.get("/1,2").text == "['1', '2']"
        assert client.get("/x").status_code == 404
    with pytest.raises(DeclarationError, match=r"test_bottle_app\.py"):
        site.route("/<x:unknown>")(lambda x: x)


def test_the_default_application_is_on_top_of_a_stack():
    with Bottle() as site:
        get("/")(lambda: "default")
        assert app() is site
        with Client(site) as client:
            assert client.get("/").text == "default"


def test_an_error_of_an_error_callback_is_a_500():
    site = Bottle()

    @site.error(404)
    def missing(error):
        raise HTTPError(500, "worse")

    with Client(site, raise_server_exceptions=False) as client:
        answer = client.get("/")
        assert answer.status_code == 500
        assert "worse" in answer.text


def test_outside_of_a_request_there_is_none():
    with pytest.raises(RuntimeError, match="no request here"):
        request.path  # noqa: B018 - asking is the test


def test_wsgi_and_asgi_are_told_apart():
    site = Bottle()
    site.route("/")(lambda: "x")
    assert asyncio.iscoroutinefunction(site.__call__) or inspect.iscoroutinefunction(site.__call__)
    environ = {}
    setup_testing_defaults(environ)
    seen = []
    pieces = site(environ, lambda status, headers, exc_info=None: seen.append(status))
    try:
        assert b"".join(pieces) == b"x"
        assert seen == ["200 OK"]
    finally:
        pieces.close()
        site.close()


def test_wsgi_requests_run_side_by_side():
    site = Bottle()
    barrier = threading.Barrier(4, timeout=5)

    @site.route("/<n>")
    def index(n):
        barrier.wait()
        return n + request.environ["x.n"]

    answers = []

    def ask(n):
        environ = {"x.n": n}
        setup_testing_defaults(environ)
        environ["PATH_INFO"] = f"/{n}"
        pieces = site(environ, lambda status, headers, exc_info=None: None)
        answers.append(b"".join(pieces).decode())
        pieces.close()

    threads = [threading.Thread(target=ask, args=(str(n),)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    site.close()
    assert sorted(answers) == ["00", "11", "22", "33"]


def test_dictionaries_keep_the_last_value():
    fields = MultiDict(a=1)
    fields["a"] = 2
    assert (fields["a"], fields.getall("a"), fields.get("b", 3), list(fields.allitems())) == (
        2,
        [1, 2],
        3,
        [("a", 1), ("a", 2)],
    )
    form = FormsDict()
    form["name"] = "Ã©"
    assert (form.name, form.other, form["name"]) == ("é", "", "Ã©")


def test_paths_shift_and_come_from_signatures():
    assert path_shift("/a", "/b/c/", 1) == ("/a/b", "/c/")
    assert path_shift("/a/b", "/c", -1) == ("/a", "/b/c")
    with pytest.raises(AssertionError, match="Cannot shift"):
        path_shift("/", "/c", 2)

    def show__item(x, y=1):
        """Two paths."""

    assert list(yieldroutes(show__item)) == ["/show/item/<x>", "/show/item/<x>/<y>"]
