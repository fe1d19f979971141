"""Lists in pages: of sequences and of a database, by number, by offset and by cursor, with links and documentation."""

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.testclient import TestClient
from fastapi_pagination import LimitOffsetPage, Page, Params, add_pagination, paginate, set_page
from fastapi_pagination.cursor import CursorPage
from fastapi_pagination.customization import CustomizedPage, UseParamsFields
from fastapi_pagination.ext.sqlalchemy import paginate as paginate_query
from fastapi_pagination.links import Page as LinkedPage
from pydantic import BaseModel
from sqlalchemy import create_engine, select
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool


class Base(DeclarativeBase):
    pass


class User(Base):
    __tablename__ = "user"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str]


class UserOut(BaseModel):
    model_config = {"from_attributes": True}

    name: str


Small = CustomizedPage[Page[int], UseParamsFields(size=3)]


@pytest.fixture
def client():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([User(name=f"user {number}") for number in range(25)])
        session.commit()

    def database():
        with Session(engine) as session:
            yield session

    app = FastAPI()
    router = APIRouter(prefix="/users")

    @app.get("/numbers")
    def numbers() -> Page[int]:
        return paginate(range(100))

    @app.get("/small")
    async def small() -> Small:
        return paginate(range(10))

    @app.get("/offset", response_model=LimitOffsetPage[int])
    async def offset():
        return paginate(range(100))

    @app.get("/linked", response_model=LinkedPage[int])
    async def linked():
        return paginate(range(100))

    @app.get("/given")
    def given(params: Params = Depends()) -> Page[int]:
        return paginate(range(10), params)

    @router.get("", response_model=Page[UserOut])
    def users(session: Session = Depends(database)):
        return paginate_query(session, select(User).order_by(User.id))

    @router.get("/cursor")
    def cursor(session: Session = Depends(database)) -> CursorPage[UserOut]:
        return paginate_query(session, select(User).order_by(User.id))

    app.include_router(router)
    add_pagination(app)
    with TestClient(app) as client:
        yield client
    engine.dispose()


def test_the_first_page_and_another(client):
    first = client.get("/numbers").json()
    assert first.pop("items")[:3] == [0, 1, 2]
    assert first == {"total": 100, "page": 1, "size": 50, "pages": 2}
    assert client.get("/numbers?page=4&size=20").json()["items"][0] == 60


@pytest.mark.parametrize("query", ["page=0", "size=0", "size=101", "page=x"])
def test_parameters_are_validated(client, query):
    answer = client.get(f"/numbers?{query}")
    assert answer.status_code == 422
    assert answer.json()["detail"][0]["loc"] == ["query", query.partition("=")[0]]


def test_a_page_of_ones_own(client):
    assert client.get("/small").json()["items"] == [0, 1, 2]


def test_offsets(client):
    assert client.get("/offset?limit=2&offset=5").json() == {"items": [5, 6], "total": 100, "limit": 2, "offset": 5}


def test_links(client):
    assert client.get("/linked?page=2&size=10").json()["links"] == {
        "first": "/linked?size=10&page=1",
        "last": "/linked?size=10&page=10",
        "self": "/linked?page=2&size=10",
        "next": "/linked?size=10&page=3",
        "prev": "/linked?size=10&page=1",
    }


def test_given_parameters(client):
    assert client.get("/given?size=2&page=2").json()["items"] == [2, 3]


def test_a_query(client):
    answer = client.get("/users?size=10&page=3").json()
    assert (len(answer["items"]), answer["items"][0], answer["total"]) == (5, {"name": "user 20"}, 25)


def test_cursors(client):
    names, cursor = [], None
    for _ in range(3):
        page = client.get("/users/cursor", params={"size": 10, **({"cursor": cursor} if cursor else {})}).json()
        names += [row["name"] for row in page["items"]]
        cursor = page["next_page"]
    assert (len(set(names)), cursor) == (25, None)


def test_the_documentation(client):
    document = client.get("/openapi.json").json()
    parameters = document["paths"]["/numbers"]["get"]["parameters"]
    assert [(row["name"], row["schema"]["default"]) for row in parameters] == [("page", 1), ("size", 50)]
    parameters = document["paths"]["/small"]["get"]["parameters"]
    assert [(row["name"], row["schema"]["default"]) for row in parameters] == [("page", 1), ("size", 3)]
    assert {"Page_UserOut_", "CursorPage_UserOut_"} <= set(document["components"]["schemas"])


def test_without_add_pagination_it_is_said():
    app = FastAPI()

    @app.get("/")
    def numbers() -> Page[int]:
        with set_page(Page[int]):
            return paginate([1], Params())

    assert TestClient(app).get("/").json()["items"] == [1]
