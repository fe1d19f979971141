"""The same application, built from FastAPI and from `fenrir.fastapi`, answers the same requests alike."""

import dataclasses
import datetime
import decimal
import enum
import importlib
import uuid
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from tests.fenrir.fastapi.oracle import DOORS, Package, Sent, compare, get, post

Case = tuple[Callable[[Package], Any], Sequence[Sent]]
JSON = {"content-type": "application/json"}


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Address(BaseModel):
    street: str
    number: int = 1


class User(BaseModel):
    id: int
    name: str = Field(min_length=2)
    address: Address | None = None
    tags: list[str] = []
    score: float = 1.0


class Strict(BaseModel):
    model_config = ConfigDict(strict=True)
    id: int
    at: datetime.datetime | None = None


class Moments(BaseModel):
    at: datetime.datetime
    day: datetime.date | None = None
    key: uuid.UUID | None = None
    price: decimal.Decimal | None = None
    either: int | str | None = None


class Checked(BaseModel):
    name: str

    @field_validator("name")
    @classmethod
    def lower(cls, value: str) -> str:
        if value != value.lower():
            raise ValueError("must be lower case")
        return value


class Filters(BaseModel):
    model_config = ConfigDict(extra="forbid")
    limit: int = Field(10, gt=0, le=100)
    order: Literal["a", "b"] = "a"
    tags: list[str] = []


class Heads(BaseModel):
    x_token: str
    if_none: str | None = None


@dataclasses.dataclass
class Point:
    x: int
    y: int = 0


class Secret(User):
    password_hash: str = "SECRET"


def scalars(p: Package) -> Any:
    f = p.main
    app = f.FastAPI()

    @app.get("/items/{item_id}")
    async def items(item_id: int, q: str, limit: int = 5) -> Any:
        return {"item_id": item_id, "q": q, "limit": limit}

    @app.get("/bounds/{n}")
    def bounds(
        n: Annotated[int, f.Path(ge=1, le=9)],
        word: Annotated[str | None, f.Query(min_length=2, max_length=4, pattern="^a")] = None,
        alias: Annotated[int, f.Query(alias="the-alias")] = 7,
        flag: bool = False,
        colour: Colour = Colour.RED,
        when: datetime.date | None = None,
        key: uuid.UUID | None = None,
    ) -> Any:
        return [n, word, alias, flag, colour, when, key]

    @app.get("/lists")
    async def lists(
        q: Annotated[list[int], f.Query()] = [],  # noqa: B006
        names: Annotated[set[str] | None, f.Query(max_length=2)] = None,
    ) -> Any:
        return {"q": q, "names": sorted(names) if names else names}

    @app.get("/heads")
    async def heads(
        user_agent: Annotated[str | None, f.Header()] = None,
        x_number: int = f.Header(...),
        x_many: Annotated[list[str] | None, f.Header()] = None,
        exact_name: Annotated[str | None, f.Header(convert_underscores=False)] = None,
        session: Annotated[str | None, f.Cookie()] = None,
    ) -> Any:
        return [user_agent, x_number, x_many, exact_name, session]

    @app.get("/old")
    async def old(q: str = f.Query(..., min_length=3), n: float = f.Query(1.5, gt=1)) -> Any:
        return {"q": q, "n": n}

    @app.get("/files/{rest:path}")
    async def rest(rest: str) -> Any:
        return rest

    @app.get("/int/{n:int}")
    async def typed(n: int) -> Any:
        return n

    @app.get("/factory")
    async def factory(n: Annotated[list[int], f.Query(default_factory=lambda: [1])]) -> Any:
        return n

    @app.get("/models")
    async def models(filters: Annotated[Filters, f.Query()]) -> Any:
        return filters

    @app.get("/headmodel")
    async def headmodel(heads: Annotated[Heads, f.Header()]) -> Any:
        return heads

    return app


SCALARS = [
    get("/items/3?q=a"),
    get("/items/x?limit=y"),
    get("/items/3?q=a&q=b&limit=9"),
    get("/items/3?q="),
    get("/items/3?q=%C3%A9+x&limit=%31"),
    get("/items/99999999999999999999999?q=a"),
    get("/bounds/5"),
    get("/bounds/0?word=b&flag=maybe&colour=green&when=x&key=1"),
    get("/bounds/5?word=abc&the-alias=3&flag=on&colour=blue&when=2020-01-02&key=12345678-1234-5678-1234-567812345678"),
    get("/bounds/5?alias=3"),
    get("/bounds/5?word=abcdef"),
    get("/lists"),
    get("/lists?q=1&q=2&names=a&names=b"),
    get("/lists?q=1&q=x&names=a&names=b&names=c"),
    get("/heads"),
    get(
        "/heads", headers={"X-Number": "3", "User-Agent": "me", "x-many": "a", "exact_name": "e", "Cookie": "session=s"}
    ),
    get("/old"),
    get("/old?q=ab&n=1"),
    get("/old?q=abc&n=nan"),
    get("/files/a/b/c"),
    get("/files/"),
    get("/int/5"),
    get("/int/x"),
    get("/int/-5"),
    get("/factory"),
    get("/factory?n=3"),
    get("/models"),
    get("/models?limit=5&order=b&tags=x&tags=y"),
    get("/models?limit=500&order=c&other=1"),
    get("/headmodel"),
    get("/headmodel", headers={"X-Token": "t", "If-None": "n"}),
    get("/nope"),
    post("/items/3?q=a"),
]


def bodies(p: Package) -> Any:
    f = p.main
    app = f.FastAPI()

    @app.post("/user")
    async def user(user: User) -> User:
        return user

    @app.post("/optional")
    async def optional(user: User | None = None) -> Any:
        return user

    @app.post("/two")
    async def two(user: User, address: Address, n: Annotated[int, f.Body(gt=0)], q: str | None = None) -> Any:
        return [user, address, n, q]

    @app.post("/embed")
    async def embed(user: Annotated[User, f.Body(embed=True)]) -> Any:
        return user

    @app.post("/list")
    def many(users: list[User]) -> Any:
        return users

    @app.post("/dict")
    async def mapping(data: dict[str, int]) -> Any:
        return data

    @app.post("/scalar")
    async def scalar(n: int = f.Body()) -> Any:
        return n

    @app.post("/any")
    async def anything(data: Any = f.Body()) -> Any:
        return data

    @app.post("/point")
    async def point(point: Point) -> Any:
        return point

    @app.post("/strict")
    async def strict(item: Strict) -> Any:
        return item

    @app.post("/moments")
    async def moments(item: Moments) -> Any:
        return item

    @app.post("/checked")
    async def checked(item: Checked) -> Any:
        return item

    @app.post("/bytes")
    async def raw(data: Annotated[bytes, f.Body()]) -> Any:
        return data

    return app


USER = {"id": 1, "name": "ab"}
BODIES = [
    post("/user", json=USER),
    post("/user", json={"id": "7", "name": "ab", "address": {"street": "s"}, "tags": ["x"], "extra": 1}),
    post("/user", json={"id": "x", "name": "a", "address": {}, "tags": [1]}),
    post("/user", json=[1]),
    post("/user", json=None, content=b"null", headers=JSON),
    post("/user", content=b"", headers=JSON),
    post("/user"),
    post("/user", content=b'{"id": 1, "name": "ab"', headers=JSON),
    post("/user", content=b'{"id": 1,, "name": "ab"}', headers=JSON),
    post("/user", content=b"nonsense", headers=JSON),
    post("/user", content=b'{"id": 1, "name": "ab", "id": 2}', headers=JSON),
    post("/user", content=b'{"id": 1, "name": "ab"}'),
    post("/user", content=b'{"id": 1, "name": "ab"}', headers={"content-type": "text/plain"}),
    post(
        "/user", content=b'{"id": 1, "name": "ab"}', headers={"content-type": "application/vnd.api+json; charset=utf-8"}
    ),
    post("/user", content=b'{"id": 1, "name": "\xff"}', headers=JSON),
    post("/user", content=b"[" * 100_000, headers=JSON),
    post("/optional"),
    post("/optional", json=USER),
    post("/optional", json={"id": "x"}),
    post("/two?q=z", json={"user": USER, "address": {"street": "s"}, "n": 3}),
    post("/two", json={"user": {"id": 1}, "n": 0}),
    post("/two", json=[1, 2]),
    post("/two"),
    post("/embed", json={"user": USER}),
    post("/embed", json=USER),
    post("/list", json=[USER, USER]),
    post("/list", json=[USER, {"id": 1}]),
    post("/list", json=USER),
    post("/dict", json={"a": 1, "b": "2"}),
    post("/dict", json={"a": "x"}),
    post("/scalar", json=5),
    post("/scalar", json="x"),
    post("/any", json={"a": [1, None, 2.5, "x", True]}),
    post("/any", json=[]),
    post("/point", json={"x": 1}),
    post("/point", json={"y": "z"}),
    post("/strict", json={"id": 1}),
    post("/strict", json={"id": "1"}),
    post("/strict", json={"id": 1, "at": "2020-01-01T00:00:00Z"}),
    post("/moments", json={"at": "2020-01-01T00:00:00Z", "day": "2020-01-01", "price": "1.10", "either": 1}),
    post("/moments", json={"at": 1, "price": 1.1, "either": "x", "key": "12345678-1234-5678-1234-567812345678"}),
    post("/moments", json={"at": "x", "price": "y", "either": []}),
    post("/checked", json={"name": "a"}),
    post("/checked", json={"name": "A"}),
    post("/bytes", json="abc"),
]


def forms(p: Package) -> Any:
    f = p.main
    app = f.FastAPI()

    @app.post("/login")
    async def login(username: Annotated[str, f.Form()], age: Annotated[int, f.Form(ge=18)] = 20) -> Any:
        return {"username": username, "age": age}

    class Data(BaseModel):
        a: int
        b: list[str] = []

    @app.post("/model")
    async def model(data: Annotated[Data, f.Form()]) -> Any:
        return data

    @app.post("/file")
    async def file(file: Annotated[bytes, f.File()], note: Annotated[str | None, f.Form()] = None) -> Any:
        return {"size": len(file), "note": note}

    @app.post("/upload")
    async def upload(upload: f.UploadFile, others: list[f.UploadFile] | None = None) -> Any:
        content = await upload.read()
        return [upload.filename, upload.content_type, content.decode(), len(others or [])]

    return app


def part(name: str, text: str, filename: str | None = None) -> bytes:
    extra = f'; filename="{filename}"\r\ncontent-type: text/csv' if filename is not None else ""
    return f'--B\r\ncontent-disposition: form-data; name="{name}"{extra}\r\n\r\n{text}\r\n'.encode()


MULTIPART = {"content-type": "multipart/form-data; boundary=B"}
URLENCODED = {"content-type": "application/x-www-form-urlencoded"}
FORMS = [
    post("/login", content=b"username=me&age=30", headers=URLENCODED),
    post("/login", content=b"username=me&age=3", headers=URLENCODED),
    post("/login", content=b"username=&age=x", headers=URLENCODED),
    post("/login", json={"username": "me"}),
    post("/login"),
    post("/login", content=part("username", "me") + b"--B--\r\n", headers=MULTIPART),
    post("/model", content=b"a=1&b=x&b=y", headers=URLENCODED),
    post("/model", content=b"b=x", headers=URLENCODED),
    post("/file", content=part("file", "hello", "x.csv") + part("note", "n") + b"--B--\r\n", headers=MULTIPART),
    post("/file", content=part("note", "n") + b"--B--\r\n", headers=MULTIPART),
    post("/upload", content=part("upload", "hello", "x.csv") + b"--B--\r\n", headers=MULTIPART),
    post("/upload", content=part("upload", "text") + b"--B--\r\n", headers=MULTIPART),
]


def graph(p: Package) -> Any:
    f = p.main
    calls: list[str] = []

    async def settings(q: str = "x") -> str:
        calls.append("settings")
        return q

    def twice(a: str = f.Depends(settings), b: str = f.Depends(settings, use_cache=False)) -> str:
        return a + b

    class Common:
        def __init__(self, skip: int = 0, limit: int = 10) -> None:
            self.skip = skip
            self.limit = limit

    class Callable_:
        def __init__(self, word: str) -> None:
            self.word = word

        def __call__(self, q: str = "") -> bool:
            return self.word in q

    def refuse(token: Annotated[str | None, f.Header()] = None) -> None:
        calls.append("refuse")
        if token != "t":
            raise f.HTTPException(401, "no token", {"x-a": "b"})

    async def number(n: int) -> int:
        return n

    app = f.FastAPI(dependencies=[f.Depends(refuse)])

    @app.get("/twice")
    async def get_twice(c: Annotated[str, f.Depends(twice)], d: str = f.Depends(settings)) -> Any:
        seen = list(calls)
        calls.clear()
        return [c, d, seen]

    @app.get("/class")
    def get_class(common: Annotated[Common, f.Depends()], has: bool = f.Depends(Callable_("ab"))) -> Any:
        return [common.skip, common.limit, has]

    @app.get("/errors")
    async def get_errors(m: int, a: int = f.Depends(number), b: int = f.Depends(number), z: int = 0) -> Any:
        return [a, b]

    @app.get("/route", dependencies=[f.Depends(number)])
    async def get_route() -> Any:
        return "ok"

    router = f.APIRouter(prefix="/r", dependencies=[f.Depends(number)], tags=["x"])

    @router.get("")
    async def bare() -> Any:
        return "bare"

    @router.get("/{item}")
    async def item(item: str) -> Any:
        return item

    inner = f.APIRouter(prefix="/inner")

    @inner.get("/x")
    async def x() -> Any:
        return "x"

    router.include_router(inner, prefix="/p")
    app.include_router(router, prefix="/v1")

    @inner.get("/late")
    async def late() -> Any:
        return "late"

    return app


T = {"headers": {"token": "t"}}
GRAPH = [
    get("/twice"),
    get("/twice", **T),
    get("/twice?q=z", **T),
    get("/class?limit=3&q=xaby", **T),
    get("/class?limit=x", **T),
    get("/errors", **T),
    get("/errors?n=x", **T),
    get("/errors?n=x"),
    get("/route", **T),
    get("/route?n=1", **T),
    get("/v1/r?n=1", **T),
    get("/v1/r/7?n=1", **T),
    get("/v1/r/7", **T),
    get("/v1/r/p/inner/x?n=1", **T),
    get("/v1/r/p/inner/late?n=1", **T),
    get("/v1/r/p/inner/late?n=1"),
]


def outcomes(p: Package) -> Any:
    f, r = p.main, p.responses
    app = f.FastAPI()

    @app.get("/none")
    async def none() -> None:
        return None

    @app.get("/tuple")
    async def tuple_() -> Any:
        return 1, "a", None

    @app.get("/str")
    async def text() -> Any:
        return "text"

    @app.get("/nan")
    async def nan() -> Any:
        return {"x": float("nan")}

    @app.get("/odd")
    async def odd() -> Any:
        return {
            "date": datetime.date(2020, 1, 2), "delta": datetime.timedelta(seconds=1.5), "set": {1}, "enum": Colour.RED,
            "point": Point(1), "user": User(id=1, name="ab"), "decimal": decimal.Decimal("1.5"), 1: b"x", "_sa_x": 1,
            "uuid": uuid.UUID(int=1), "big": 2**70,
        }  # fmt: skip

    @app.get("/model", response_model=User)
    async def model() -> Any:
        return {"id": 1, "name": "ab", "password_hash": "SECRET"}

    @app.get("/subclass")
    async def subclass() -> User:
        return Secret(id=1, name="ab")

    @app.get("/fails", response_model=User)
    async def fails() -> Any:
        return {"id": "x", "password_hash": "SECRET"}

    @app.get("/list")
    async def listed() -> list[User]:
        return [Secret(id=1, name="ab"), Secret(id=2, name="cd")]

    @app.get("/unset", response_model=User, response_model_exclude_unset=True)
    def unset() -> Any:
        return User(id=1, name="ab")

    @app.get("/include", response_model=User, response_model_include={"id"})
    def include() -> Any:
        return User(id=1, name="ab")

    @app.get("/exclude", response_model=User, response_model_exclude={"id"}, response_model_exclude_none=True)
    def exclude() -> Any:
        return User(id=1, name="ab")

    @app.get("/off", response_model=None)
    async def off() -> User:
        return {"anything": 1}  # type: ignore[return-value]

    @app.post("/created", status_code=201)
    async def created() -> Any:
        return {"ok": True}

    @app.delete("/gone", status_code=204)
    async def gone() -> None:
        return None

    @app.get("/html", response_class=r.HTMLResponse)
    async def html() -> Any:
        return "<p>"

    @app.get("/plain", response_class=r.PlainTextResponse, status_code=202)
    def plain() -> Any:
        return "plain"

    @app.get("/redirect", response_class=r.RedirectResponse)
    async def redirect() -> Any:
        return "/a b?x=é"

    @app.get("/own")
    async def own() -> Any:
        response = r.JSONResponse({"a": 1}, status_code=203, headers={"X-A": "1"})
        response.set_cookie("c", "v", httponly=True, samesite="strict")
        return response

    @app.get("/stream")
    async def stream() -> Any:
        async def pieces() -> AsyncIterator[str]:
            for n in range(3):
                yield str(n)

        return r.StreamingResponse(pieces(), media_type="text/csv")

    @app.get("/sync-stream")
    def sync_stream() -> Any:
        return r.StreamingResponse(iter([b"a", b"b"]))

    @app.get("/lines")
    async def lines() -> AsyncIterator[User]:
        yield User(id=1, name="ab")
        yield Secret(id=2, name="cd")

    @app.get("/sync-lines")
    def sync_lines() -> Iterator[Any]:
        yield {"a": 1}
        yield None

    @app.get("/events", response_class=p.sse.EventSourceResponse)
    async def events() -> AsyncIterator[Any]:
        yield {"a": 1}
        yield p.sse.ServerSentEvent(data="x", event="e", id="1", retry=5)
        yield p.sse.ServerSentEvent(raw_data="a\nb", comment="c")

    @app.get("/handed")
    async def handed(response: f.Response, status: int | None = None) -> Any:
        response.headers["X-A"] = "yes"
        response.set_cookie("k", "v")
        if status is not None:
            response.status_code = status
        return {"ok": 1}

    @app.get("/handed-back")
    async def handed_back(response: f.Response) -> Any:
        response.headers["X-A"] = "yes"
        response.status_code = 304
        return response

    @app.get("/http-error")
    async def http_error() -> Any:
        raise f.HTTPException(418, {"why": ["tea"]}, headers={"X-A": "t"})

    @app.get("/empty-error")
    async def empty_error() -> Any:
        raise f.HTTPException(304)

    @app.get("/boom")
    async def boom() -> Any:
        raise ZeroDivisionError

    @app.get("/sync-boom")
    def sync_boom() -> Any:
        raise ZeroDivisionError

    return app


OUTCOME_PATHS = """
    /none /tuple /str /nan /odd /model /subclass /fails /list /unset /include /exclude /off /html /plain /redirect /own
    /stream /sync-stream /lines /sync-lines /events /handed /handed?status=207 /handed-back /http-error /empty-error
    /boom /sync-boom
"""
OUTCOMES = [
    *map(get, OUTCOME_PATHS.split()),
    post("/created"),
    Sent("DELETE", "/gone"),
    Sent("HEAD", "/none"),
    Sent("OPTIONS", "/none"),
]


def errors(p: Package) -> Any:
    f, r = p.main, p.responses

    class Mine(Exception):
        pass

    class Base(Exception):
        pass

    class Derived(Base):
        pass

    async def on_mine(request: Any, exc: Any) -> Any:
        return r.JSONResponse({"mine": str(exc), "path": request.url.path}, status_code=409)

    app = f.FastAPI(exception_handlers={Mine: on_mine})

    @app.exception_handler(Base)
    def on_base(request: Any, exc: Any) -> Any:
        return r.PlainTextResponse(type(exc).__name__, status_code=410)

    @app.exception_handler(p.exceptions.RequestValidationError)
    async def on_invalid(request: Any, exc: Any) -> Any:
        return r.JSONResponse({"n": len(exc.errors()), "body": exc.body}, status_code=400)

    @app.exception_handler(p.http_exception)
    async def on_http(request: Any, exc: Any) -> Any:
        return r.PlainTextResponse(f"{exc.status_code} {exc.detail}", status_code=exc.status_code)

    @app.exception_handler(Exception)
    async def on_all(request: Any, exc: Any) -> Any:
        return r.PlainTextResponse("all", status_code=500)

    @app.get("/mine")
    async def mine() -> Any:
        raise Mine("x")

    @app.get("/derived")
    def derived() -> Any:
        raise Derived

    @app.get("/boom")
    def boom() -> Any:
        raise ZeroDivisionError

    @app.get("/http")
    async def http() -> Any:
        raise f.HTTPException(403, "no")

    @app.post("/valid")
    async def valid(user: User, n: int) -> Any:
        return n

    return app


ERRORS = [
    get("/mine"),
    get("/derived"),
    get("/boom"),
    get("/http"),
    get("/nope"),
    post("/mine"),
    post("/valid", json={"id": 1}),
    post("/valid?n=1", content=b"{", headers=JSON),
]


def schemes(p: Package) -> Any:
    f, s = p.main, p.security
    app = f.FastAPI()
    oauth = s.OAuth2PasswordBearer(tokenUrl="token", scopes={"a": "A"})

    @app.get("/oauth")
    async def get_oauth(token: str = f.Depends(oauth)) -> Any:
        return token

    @app.get("/bearer")
    async def get_bearer(token: Any = f.Depends(s.HTTPBearer())) -> Any:
        return token

    @app.get("/soft")
    def get_soft(token: Any = f.Depends(s.HTTPBearer(auto_error=False))) -> Any:
        return token

    @app.get("/basic")
    async def get_basic(user: Annotated[Any, f.Depends(s.HTTPBasic(realm="r"))]) -> Any:
        return [user.username, user.password]

    @app.get("/keys")
    async def get_keys(
        a: Any = f.Depends(s.APIKeyHeader(name="X-Key", auto_error=False)),
        b: Any = f.Depends(s.APIKeyQuery(name="key", auto_error=False)),
        c: Any = f.Depends(s.APIKeyCookie(name="key")),
    ) -> Any:
        return [a, b, c]

    def scopes(security_scopes: s.SecurityScopes, token: str = f.Depends(oauth)) -> Any:
        return [security_scopes.scopes, security_scopes.scope_str]

    @app.get("/scopes")
    async def get_scopes(found: Any = f.Security(scopes, scopes=["a", "b"])) -> Any:
        return found

    @app.post("/token")
    async def token(form: s.OAuth2PasswordRequestForm = f.Depends()) -> Any:
        return [form.username, form.password, form.scopes, form.grant_type]

    @app.post("/strict")
    async def strict(form: s.OAuth2PasswordRequestFormStrict = f.Depends()) -> Any:
        return [form.username, form.grant_type]

    others: dict[str, Any] = {
        "digest": s.HTTPDigest(),
        "base": importlib.import_module(f"{s.__name__}.http").HTTPBase(scheme="other"),
        "connect": s.OpenIdConnect(openIdConnectUrl="/connect"),
        "flows": s.OAuth2(flows={"implicit": {"authorizationUrl": "/a", "scopes": {}}}),
        "code": s.OAuth2AuthorizationCodeBearer("/a", "/t", scopes={"a": "A"}),
        "quiet": s.OAuth2AuthorizationCodeBearer("/a", "/t", auto_error=False),
    }

    def add(name: str, scheme: Any) -> None:
        @app.get(f"/{name}")
        async def read(found: Any = f.Depends(scheme)) -> Any:
            return found

    for name, scheme in others.items():
        add(name, scheme)
    return app


SCHEMES = [
    get("/oauth"),
    get("/oauth", headers={"Authorization": "Bearer abc"}),
    get("/oauth", headers={"Authorization": "Basic abc"}),
    get("/bearer"),
    get("/bearer", headers={"Authorization": "bearer abc"}),
    get("/soft"),
    get("/basic"),
    get("/basic", headers={"Authorization": "Basic YTpi"}),
    get("/basic", headers={"Authorization": "Basic !"}),
    get("/keys"),
    get("/keys?key=q", headers={"X-Key": "h", "Cookie": "key=c"}),
    get("/scopes", headers={"Authorization": "Bearer abc"}),
    post("/token", content=b"username=u&password=p&scope=a+b&grant_type=password", headers=URLENCODED),
    post("/token", content=b"username=u&grant_type=x", headers=URLENCODED),
    post("/strict", content=b"username=u&password=p&grant_type=password", headers=URLENCODED),
    post("/strict", content=b"username=u&password=p", headers=URLENCODED),
    *(
        get(f"/{name}", headers={} if sent is None else {"Authorization": sent})
        for name in ("digest", "base", "connect", "flows", "code", "quiet", "basic")
        for sent in (None, "", "Bearer", "Bearer  t", "digest x=y", "Other  a b ", "Basic Og==", "Basic YQ==")
    ),
]

CASES: dict[str, Case] = {
    "scalars": (scalars, SCALARS),
    "bodies": (bodies, BODIES),
    "forms": (forms, FORMS),
    "graph": (graph, GRAPH),
    "outcomes": (outcomes, OUTCOMES),
    "errors": (errors, ERRORS),
    "schemes": (schemes, SCHEMES),
}


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("door", DOORS)
@pytest.mark.parametrize("case", CASES)
def test_same_answers(case: str, door: str) -> None:
    build, requests = CASES[case]
    compare(build, requests, door)
