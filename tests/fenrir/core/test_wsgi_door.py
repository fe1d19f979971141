"""The WSGI door: any application as `app(environ, start_response)`, streaming both ways."""

import io
import itertools
import threading
from wsgiref.util import setup_testing_defaults
from wsgiref.validate import validator

import pytest

from fenrir.core.doors.wsgi import WSGIDoor
from fenrir.sanic import Sanic, text
from fenrir.testing import Client


@pytest.fixture
def site():
    Sanic.test_mode = True
    made = Sanic("wsgi")
    yield made
    Sanic.unregister_app(made)


@pytest.fixture
def door(site):
    made = WSGIDoor(site.engine)
    yield made
    made.close()


def ask(door, method="GET", path="/", body=b"", **more):
    environ = {}
    setup_testing_defaults(environ)
    environ.update(REQUEST_METHOD=method, PATH_INFO=path, QUERY_STRING="", CONTENT_LENGTH=str(len(body)))
    environ["wsgi.input"] = io.BytesIO(body)
    environ.update(more)
    given = []
    pieces = door(environ, lambda status, headers, exc_info=None: given.extend((status, headers)))
    return given, pieces


def whole(door, *args, **more):
    given, pieces = ask(door, *args, **more)
    try:
        return given[0], dict(given[1]), b"".join(pieces)
    finally:
        pieces.close()


def test_start_and_stop_run_once_around_all_requests(site, door):
    events = []
    site.before_server_start(lambda app: events.append("start"))
    site.after_server_stop(lambda app: events.append("stop"))
    site.get("/")(lambda request: text("x"))
    assert [whole(door)[2], whole(door)[2]] == [b"x", b"x"]
    assert events == ["start"]
    door.close()
    assert events == ["start", "stop"]


def test_the_request_body_is_read_piece_by_piece(site, door):
    sizes = []

    @site.post("/", stream=True)
    async def upload(request):
        async for piece in request.stream:
            sizes.append(len(piece))
        return text("read")

    assert whole(door, "POST", body=b"x" * 200_000)[2] == b"read"
    assert sum(sizes) == 200_000
    assert max(sizes) <= 65536


def test_a_body_that_is_cut_off_is_no_whole_request(site, door):
    site.post("/")(lambda request: text("never"))
    assert whole(door, "POST", body=b"abc", CONTENT_LENGTH="5")[0].startswith("500")


def test_the_application_waits_until_the_server_takes_a_piece(site, door):
    sent = []

    @site.get("/")
    async def stream(request):
        response = await request.respond()
        for number in itertools.count():
            sent.append(number)
            await response.send(f"{number}\n")

    _, pieces = ask(door)
    assert [next(pieces) for _ in range(3)] == [b"0\n", b"1\n", b"2\n"]
    assert len(sent) <= 4
    pieces.close()


def test_the_path_prefix_and_the_address_reach_the_application(site, door):
    site.get("/é")(lambda request: text(f"{request.app.engine.title} {request.ip} {request.query_string}"))
    path = "/é".encode().decode("latin-1")
    assert (
        whole(door, path=path, SCRIPT_NAME="/app", QUERY_STRING="a=1", REMOTE_ADDR="1.2.3.4")[2] == b"wsgi 1.2.3.4 a=1"
    )


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_it_is_valid_wsgi(site, door, method):
    site.route("/", methods=["GET", "HEAD"])(lambda request: text("body"))
    status, headers, body = whole(validator(door), method)
    assert (status, headers["content-length"]) == ("200 OK", "4")
    assert body == (b"body" if method == "GET" else b"")


def test_the_loop_ends_with_the_door(site):
    site.get("/")(lambda request: text("x"))
    before = threading.active_count()
    door = WSGIDoor(site.engine)
    whole(door)
    door.close()
    assert not [thread for thread in threading.enumerate() if thread.name == "fenrir-wsgi-door"]
    assert threading.active_count() <= before + 1
    with Client(site) as client:
        assert client.get("/").text == "x"
