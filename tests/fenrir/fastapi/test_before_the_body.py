"""Dependencies that need nothing of the body run before it is read; what they refuse is never read."""

from collections.abc import Iterator
from typing import Annotated, Any

import pytest

from fenrir.fastapi import Body, Depends, FastAPI, File, Header, HTTPException, UploadFile
from fenrir.testing import Client
from tests.fenrir.fastapi.oracle import DOORS


class Upload:
    """A body that tells how much of it was asked for."""

    def __init__(self, pieces: list[bytes]) -> None:
        self._pieces = pieces
        self.read = 0

    def __iter__(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.read += len(piece)
            yield piece


def authorize(authorization: Annotated[str, Header()] = "") -> str:
    if authorization != "Bearer good":
        raise HTTPException(401, "who are you?")
    return "user"


def build(sync: bool) -> FastAPI:
    app = FastAPI()

    async def user(name: str = Depends(authorize)) -> str:
        return name

    def handler(data: dict[str, int], name: str = Depends(user), limit: int = 10) -> Any:
        return [data, name, limit]

    async def waiting(data: dict[str, int], name: str = Depends(user), limit: int = 10) -> Any:
        return [data, name, limit]

    def upload(file: Annotated[UploadFile, File()], name: str = Depends(user)) -> Any:
        return [file.file.read().decode(), name]

    app.post("/")(handler if sync else waiting)
    app.post("/file")(upload)
    return app


JSON = {"content-type": "application/json"}
GOOD = {"authorization": "Bearer good"}


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("sync", [False, True])
def test_a_refused_body_is_not_read(door: Any, sync: bool) -> None:
    with Client(build(sync), door=door) as client:
        body = Upload([b'{"a": ', b"1}"])
        assert client.post("/", content=body, headers=JSON).status_code == 401
        assert body.read == 0
        body = Upload([b'{"a": ', b"1}"])
        answer = client.post("/?limit=5", content=body, headers={**JSON, **GOOD})
        assert (answer.json(), body.read) == ([{"a": 1}, "user", 5], 8)
        # All mistakes are told together, as if everything had been read at once.
        broken = client.post("/?limit=x", content=Upload([b"[", b"]"]), headers={**JSON, **GOOD})
        assert [error["loc"] for error in broken.json()["detail"]] == [["query", "limit"], ["body"]]
        invalid = client.post("/", content=Upload([b"{", b"x"]), headers={**JSON, **GOOD})
        assert invalid.json()["detail"][0]["type"] == "json_invalid"


@pytest.mark.parametrize("door", DOORS)
def test_nor_is_a_refused_upload(door: Any) -> None:
    pieces = [
        b'--b\r\ncontent-disposition: form-data; name="file"; filename="f"\r\n\r\n',
        b"text",
        b"\r\n--b--\r\n",
    ]
    kind = {"content-type": "multipart/form-data; boundary=b"}
    with Client(build(True), door=door) as client:
        body = Upload(pieces)
        assert client.post("/file", content=body, headers=kind).status_code == 401
        assert body.read == 0
        assert client.post("/file", content=Upload(pieces), headers={**kind, **GOOD}).json() == ["text", "user"]


@pytest.mark.parametrize("door", DOORS)
def test_a_dependency_of_the_body_waits_for_it(door: Any) -> None:
    app = FastAPI()
    order: list[str] = []

    async def first(x_name: Annotated[str, Header()]) -> str:
        order.append("first")
        return x_name

    async def of_body(a: Annotated[int, Body(embed=True)], name: str = Depends(first)) -> int:
        order.append("of the body")
        return a

    async def last(x_name: Annotated[str, Header()]) -> None:
        order.append("last")

    @app.post("/")
    async def handler(a: int = Depends(of_body), b: None = Depends(last)) -> int:
        return a

    with Client(app, door=door) as client:
        body = Upload([b'{"a"', b": 7}"])
        assert client.post("/", content=body, headers={**JSON, "x-name": "n"}).json() == 7
        assert order == ["first", "of the body", "last"]
        missing = client.post("/", content=Upload([b"{", b"}"]), headers=JSON).json()["detail"]
        assert [error["loc"] for error in missing] == [["header", "x-name"], ["body", "a"], ["header", "x-name"]]
