"""Applications written once and built from FastAPI or from our dialect, for comparing their documents."""

# No postponed annotations here: those of the handlers name what is local.

import datetime
import decimal
import enum
import uuid
from collections.abc import AsyncIterable, Callable
from typing import Annotated, Any, Generic, Literal, TypeVar

from pydantic import AliasChoices, BaseModel, ConfigDict, Field, computed_field

Api = Any
T = TypeVar("T")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Part(BaseModel):
    """A part.

    \f
    Not for readers."""

    name: str = Field(description="What it is called", examples=["bolt"])
    colour: Colour = Colour.RED
    price: decimal.Decimal | None = None


class Thing(BaseModel):
    id: uuid.UUID
    parts: list[Part] = []
    made: datetime.datetime
    size: Annotated[int, Field(gt=0, le=10)] = 1

    @computed_field  # type: ignore[prop-decorator]
    @property
    def count(self) -> int:
        return len(self.parts)


class Page(BaseModel, Generic[T]):
    items: list[T]
    following: str | None = None


class Filters(BaseModel):
    limit: int = Field(10, le=100)
    order_by: Literal["a", "b"] = "a"
    tags: list[str] = []


class Problem(BaseModel):
    code: int


def models(api: Api) -> Any:
    app = api.FastAPI(title="Models", version="2", description="*Text*", contact={"name": "A"}, summary="S")

    @app.get("/things/{thing_id}", tags=["things"], response_model=Thing)
    def read_thing(thing_id: uuid.UUID, colour: Colour = Colour.RED, at: datetime.date | None = None) -> Any:
        """Read one.

        With a second paragraph.
        \f
        And what only programmers read."""

    @app.post("/things", status_code=201, response_description="It is there", summary="Add it", deprecated=True)
    def add_thing(thing: Thing) -> Thing: ...

    @app.put("/things/{thing_id}/parts", operation_id="set_parts", responses={404: {"model": Problem}, "5XX": {}})
    def set_parts(thing_id: int, parts: list[Part], mode: Literal["a", "b"] = "a") -> list[Part]: ...

    @app.patch("/both")
    def both(first: Part, second: Thing, n: Annotated[int, api.Body(ge=1)] = 1) -> dict[str, int]: ...

    @app.get("/pages")
    def pages() -> Page[Part]: ...

    @app.delete("/things/{thing_id}", status_code=204)
    def delete_thing(thing_id: int) -> None: ...

    @app.get("/hidden", include_in_schema=False)
    def hidden() -> None: ...

    @app.get("/plain", responses={200: {"description": "Plain", "content": {"text/csv": {}}}})
    def plain(): ...  # type: ignore[no-untyped-def]

    @app.get("/extra", openapi_extra={"x-a": [1], "parameters": [{"in": "query", "name": "z", "schema": {}}]})
    def extra(q: str = "1") -> str: ...

    return app


def values(api: Api) -> Any:
    app = api.FastAPI()

    @app.get("/query")
    def query(
        needed: str,
        q: Annotated[str | None, api.Query(max_length=5, pattern="^a", description="D", title="T")] = None,
        many: Annotated[list[int], api.Query(alias="m")] = [],  # noqa: B006
        old: Annotated[bool, api.Query(deprecated=True)] = False,
        hidden: Annotated[str, api.Query(include_in_schema=False)] = "",
        shown: Annotated[str, api.Query(openapi_examples={"one": {"value": "1"}})] = "",
        ratio: float = 0.5,
        anything: Any = None,
    ) -> None: ...

    @app.get("/model")
    def model(filters: Annotated[Filters, api.Query()]) -> None: ...

    @app.get("/headers")
    def headers(
        user_agent: Annotated[str | None, api.Header()] = None,
        x_token: Annotated[list[str] | None, api.Header(alias="X-Token")] = None,
        as_is: Annotated[str, api.Header(convert_underscores=False)] = "",
        session: Annotated[str | None, api.Cookie()] = None,
    ) -> None: ...

    @app.get("/files/{file_path:path}")
    def files(file_path: str) -> None: ...

    @app.get("/limits/{n}")
    def limits(n: Annotated[int, api.Path(gt=1, title="N", description="D")]) -> None: ...

    def paging(skip: int = 0, limit: int = 10) -> None: ...
    def outer(page: Annotated[None, api.Depends(paging)], x: Annotated[str, api.Header()]) -> None: ...

    @app.get("/depends", dependencies=[api.Depends(paging)])
    def depends(o: Annotated[None, api.Depends(outer)], own: int) -> None: ...

    return app


def bodies(api: Api) -> Any:
    app = api.FastAPI()

    @app.post("/form")
    def form(name: Annotated[str, api.Form()], age: Annotated[int, api.Form(ge=0)] = 1) -> None: ...

    @app.post("/upload")
    def upload(
        file: api.UploadFile, raw: Annotated[bytes, api.File()], more: list[api.UploadFile], note: str = api.Form("")
    ) -> None: ...

    @app.post("/form-model")
    def form_model(part: Annotated[Part, api.Form()]) -> None: ...

    @app.post("/embedded")
    def embedded(part: Annotated[Part, api.Body(embed=True)]) -> None: ...

    @app.post("/optional")
    def optional(part: Part | None = None) -> None: ...

    @app.post("/examples")
    def examples(part: Annotated[Part, api.Body(openapi_examples={"a": {"value": {"name": "n"}}})]) -> None: ...

    @app.post("/mapping")
    def mapping(values: dict[str, int]) -> None: ...

    @app.post("/media")
    def media(value: Annotated[str, api.Body(media_type="text/plain")]) -> None: ...

    return app


def security(api: Api) -> Any:
    from importlib import import_module

    schemes = import_module(api.__name__ + ".security")
    app = api.FastAPI()
    oauth = schemes.OAuth2PasswordBearer("token", scopes={"a": "A", "b": "B"})
    key = schemes.APIKeyHeader(name="X-Key", description="The key")
    basic = schemes.HTTPBasic()

    def user(token: Annotated[str, api.Security(oauth, scopes=["a"])]) -> str: ...

    @app.get("/me")
    def me(name: Annotated[str, api.Security(user, scopes=["b"])]) -> str: ...

    @app.get("/key")
    def by_key(value: Annotated[str, api.Depends(key)], other: Annotated[Any, api.Depends(basic)]) -> str: ...

    @app.get("/bearer", dependencies=[api.Depends(schemes.HTTPBearer(bearerFormat="JWT"))])
    def bearer() -> str: ...

    @app.get("/cookie", dependencies=[api.Depends(schemes.APIKeyCookie(name="c", auto_error=False))])
    def cookie() -> str: ...

    return app


def routers(api: Api) -> Any:
    app = api.FastAPI(
        openapi_tags=[{"name": "r", "description": "D"}],
        servers=[{"url": "https://a.example"}],
        license_info={"name": "MIT"},
        responses={418: {"description": "Tea"}},
        openapi_external_docs={"url": "https://a.example/docs"},
    )
    router = api.APIRouter(prefix="/r", tags=["r"], responses={404: {"description": "Gone"}})

    @router.get("/{name}", tags=["own"])
    def show(name: str) -> str: ...

    @router.post("/")
    def create() -> Problem: ...

    app.include_router(router, prefix="/api", deprecated=True)

    @app.get("/custom", generate_unique_id_function=lambda route: f"{route.name}-{route.path_format}")
    def custom() -> None: ...

    return app


def classes(api: Api) -> Any:
    from importlib import import_module

    responses = import_module(api.__name__ + ".responses")
    app = api.FastAPI()

    @app.get("/html", response_class=responses.HTMLResponse)
    def html() -> str: ...

    @app.get("/text", response_class=responses.PlainTextResponse, status_code=203)
    def text(): ...  # type: ignore[no-untyped-def]

    @app.get("/away", response_class=responses.RedirectResponse)
    def away() -> str: ...

    @app.get("/json", response_class=responses.JSONResponse)
    def json() -> Part: ...

    @app.get("/file", response_class=responses.FileResponse)
    def file() -> str: ...

    @app.get("/direct")
    def direct() -> responses.Response: ...

    @app.get("/own", responses={422: {"description": "Mine"}})
    def own(n: int) -> None: ...

    return app


def streams(api: Api) -> Any:
    from importlib import import_module

    events = import_module(api.__name__ + ".sse").EventSourceResponse
    app = api.FastAPI()

    @app.get("/lines")
    async def lines() -> AsyncIterable[Part]:
        yield Part(name="a")

    @app.get("/events", response_class=events)
    async def sent() -> AsyncIterable[Part]:
        yield Part(name="a")

    @app.get("/any", response_class=events)
    async def anything():  # type: ignore[no-untyped-def]
        yield 1

    return app


def not_separate(api: Api) -> Any:
    app = api.FastAPI(separate_input_output_schemas=False)

    @app.post("/parts")
    def parts(part: Part, more: list[Thing]) -> Part: ...

    return app


def corners(api: Api) -> Any:
    app = api.FastAPI(generate_unique_id_function=lambda route: f"id-{route.name}")
    first, second = (type("Same", (Problem,), {"__module__": name}) for name in ("one", "two"))

    @app.get("/maybe")
    def maybe(filters: Annotated[Filters | None, api.Query()] = None) -> None: ...

    @app.get("/header-model")
    def header_model(problem: Annotated[Problem, api.Header()], filters: Annotated[Filters, api.Cookie()]) -> None: ...

    @app.post("/same")
    def same(a: first, b: second) -> first: ...  # type: ignore[valid-type]

    @app.get("/colours/{colour}")
    def colours(colour: Colour, either: int | str = 1) -> list[Colour]: ...

    @app.get("/nothing", response_model=None)
    def nothing() -> Problem: ...

    @app.post("/body-default")
    def body_default(
        n: Annotated[int, api.Body()] = 3, d: Annotated[dict[str, Any] | None, api.Body()] = None
    ) -> None: ...

    @app.head("/head")
    def head() -> None: ...

    @app.post("/none", responses={"default": {"model": Problem, "description": "Else"}})
    def none(n: int, nothing: None = None) -> Problem | None: ...

    class Paging:
        def __init__(self, skip: int = 0) -> None: ...

    @app.get("/by-class")
    def by_class(page: Annotated[Paging, api.Depends()]) -> dict[str, Problem]: ...

    return app


class Person(BaseModel):
    kind: Literal["person"]
    name: str


class Company(BaseModel):
    kind: Literal["company"]
    company_name: Annotated[str, Field(validation_alias=AliasChoices("company", "firm"))]


class Secret(BaseModel):
    word: str


class Keeper(BaseModel):
    name: str
    secret: Annotated[Secret | None, Field(exclude=True)] = None
    blob: bytes = b""
    model_config = ConfigDict(val_json_bytes="base64", ser_json_bytes="base64")


def forms(api: Api) -> Any:
    app = api.FastAPI()

    @app.post("/models")
    def models(
        first: Annotated[Person, api.Form()], second: Annotated[Company, api.Form()], n: Annotated[int, api.Form()]
    ) -> None: ...

    @app.post("/optional")
    def optional(person: Annotated[Person | None, api.Form()] = None) -> None: ...

    @app.post("/union")
    def union(
        who: Annotated[Person | Company | None, api.Form(discriminator="kind", description="Who")] = None,
    ) -> None: ...

    @app.post("/mixed")
    def mixed(
        person: Annotated[Person | None, api.Form()],
        avatar: Annotated[bytes, api.File()],
        many: list[api.UploadFile],
        n: Annotated[int, api.Form(ge=1)] = 1,
    ) -> None: ...

    @app.post("/keeper")
    def keeper(keeper: Keeper) -> Keeper: ...

    return app


def callbacks(api: Api) -> Any:
    app = api.FastAPI(
        servers=[{"url": "https://a.example", "variables": {"a": {"default": "b"}}}],
        openapi_tags=[{"name": "t", "externalDocs": {"url": "https://docs.example"}}],
        openapi_external_docs={"url": "https://docs.example", "description": "D"},
        contact={"name": "A", "url": "https://a.example", "email": "a@example.org"},
        license_info={"name": "MIT", "identifier": "MIT"},
        terms_of_service="https://a.example/terms",
    )
    events = api.APIRouter()

    @events.post("{$callback_url}/invoices/{$request.body.id}", response_model=Part)
    def paid(body: Thing, q: int = 1) -> Any:
        """Sent when it is paid."""

    others = api.APIRouter()

    @others.get("{$callback_url}/alive")
    def alive() -> bool: ...

    late = api.APIRouter(callbacks=others.routes)

    @late.post("/invoices/", callbacks=events.routes, openapi_extra={"x-a": {"b": None}})
    def create(thing: Thing, callback_url: str | None = None) -> None: ...

    app.include_router(late)

    @app.webhooks.post("new-thing")
    def hooked(thing: Thing) -> None:
        """Sent for each one."""

    return app


def repeated(api: Api) -> Any:
    app = api.FastAPI()

    @app.get("/same", name="first")
    def first(q: str) -> int: ...

    @app.get("/same", name="second")
    def second(q: int) -> str: ...

    def shared(q: int, hidden: Annotated[str, api.Query(include_in_schema=False)]) -> None: ...

    @app.get("/parameters")
    def parameters(
        a: Annotated[None, api.Depends(shared)], q: str | None = None, x: Annotated[str, api.Path()] = ...
    ) -> None: ...  # type: ignore[assignment]

    return app


BUILDERS = (
    models,
    values,
    bodies,
    security,
    routers,
    classes,
    streams,
    not_separate,
    corners,
    forms,
    callbacks,
    repeated,
)
APPS: dict[str, Callable[[Api], Any]] = {build.__name__: build for build in BUILDERS}
