"""The common story, told by Django, over ASGI and over WSGI."""

import asyncio
import json
import time
import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any

import django
from django.conf import settings

settings.configure(ALLOWED_HOSTS=["*"], ROOT_URLCONF=__name__, SECRET_KEY="only for this test", LOGGING_CONFIG=None)
django.setup()

from django.core.handlers.asgi import ASGIHandler, ASGIRequest  # noqa: E402 - Django wants its settings first
from django.core.handlers.wsgi import WSGIHandler  # noqa: E402
from django.http import HttpRequest, HttpResponse, JsonResponse, StreamingHttpResponse  # noqa: E402
from django.urls import path  # noqa: E402

left: list[int] = []


def json_(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"hello": json.loads(request.body) if request.method == "POST" else "world"})


def form(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"name": request.POST["name"]})


def upload(request: HttpRequest) -> HttpResponse:
    size = digest = 0
    while piece := request.read(65536):
        size, digest = size + len(piece), zlib.crc32(piece, digest)
    return JsonResponse({"size": size, "digest": digest})


def large(request: HttpRequest) -> HttpResponse:
    return HttpResponse(b"large" * 500_000)


async def pieces() -> AsyncIterator[bytes]:
    for number in range(3):
        yield b"piece %d\n" % number
        await asyncio.sleep(0.1)


def pieces_of_a_thread() -> Iterator[bytes]:
    for number in range(3):
        yield b"piece %d\n" % number
        time.sleep(0.1)


def stream(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(pieces() if isinstance(request, ASGIRequest) else pieces_of_a_thread())


async def endless_pieces() -> AsyncIterator[bytes]:
    try:
        while True:
            yield b"more\n"
            await asyncio.sleep(0.01)
    finally:
        left.append(1)


def endless_pieces_of_a_thread() -> Iterator[bytes]:
    try:
        while True:
            yield b"more\n"
            time.sleep(0.01)
    finally:
        left.append(1)


def endless(request: HttpRequest) -> StreamingHttpResponse:
    return StreamingHttpResponse(endless_pieces() if isinstance(request, ASGIRequest) else endless_pieces_of_a_thread())


def how_many_left(request: HttpRequest) -> HttpResponse:
    return JsonResponse({"left": len(left)})


def error(request: HttpRequest) -> HttpResponse:
    raise KeyError("mine")


def cookie(request: HttpRequest) -> HttpResponse:
    response = JsonResponse({"seen": request.COOKIES.get("seen")})
    response.set_cookie("seen", "yes", httponly=True)
    return response


urlpatterns: list[Any] = [
    path("json", json_),
    path("form", form),
    path("upload", upload),
    path("large", large),
    path("stream", stream),
    path("endless", endless),
    path("left", how_many_left),
    path("error", error),
    path("cookie", cookie),
]
asgi = ASGIHandler()
wsgi = WSGIHandler()
