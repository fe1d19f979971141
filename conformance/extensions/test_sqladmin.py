"""An administration for a database: pages, forms, searching, logging in."""

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqladmin import Admin, BaseView, ModelView, action, expose
from sqladmin.authentication import AuthenticationBackend
from sqlalchemy import ForeignKey, String, create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column, relationship
from sqlalchemy.pool import StaticPool
from starlette.requests import Request
from starlette.responses import RedirectResponse


class Base(DeclarativeBase):
    pass


class Author(Base):
    __tablename__ = "author"

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(40))
    books: Mapped[list["Book"]] = relationship(back_populates="author")

    def __str__(self):
        return self.name


class Book(Base):
    __tablename__ = "book"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]
    author_id: Mapped[int] = mapped_column(ForeignKey("author.id"))
    author: Mapped[Author] = relationship(back_populates="books")

    def __str__(self):
        return self.title


class AuthorAdmin(ModelView, model=Author):
    column_list = ["id", "name"]
    column_searchable_list = ["name"]
    column_sortable_list = ["id", "name"]

    @action(name="shout", label="Shout", add_in_list=True, add_in_detail=True)
    async def shout(self, request: Request):
        return RedirectResponse(request.url_for("admin:list", identity=self.identity))


class BookAdmin(ModelView, model=Book):
    column_list = ["id", "title", "author"]


class Report(BaseView):
    name = "Report"

    @expose("/report", methods=["GET"])
    async def report(self, request):
        return await self.templates.TemplateResponse(request, "sqladmin/index.html")


class Password(AuthenticationBackend):
    async def login(self, request: Request) -> bool:
        form = await request.form()
        if form["password"] != "secret":
            return False
        request.session["who"] = form["username"]
        return True

    async def logout(self, request: Request) -> bool:
        request.session.clear()
        return True

    async def authenticate(self, request: Request) -> bool:
        return "who" in request.session


@pytest.fixture
def engine():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Author(name="Ada"), Author(name="Grace", books=[Book(title="Compilers")])])
        session.commit()
    yield engine
    engine.dispose()


@pytest.fixture
def client(engine):
    app = FastAPI()

    @app.get("/")
    def index():
        return "index"

    admin = Admin(app, engine)
    for view in (AuthorAdmin, BookAdmin, Report):
        admin.add_view(view)
    return TestClient(app)


def test_the_application_is_still_there(client):
    assert client.get("/").json() == "index"
    assert list(client.get("/openapi.json").json()["paths"]) == ["/"]


def test_lists(client):
    page = client.get("/admin/author/list").text
    assert "Ada" in page and "Grace" in page
    page = client.get("/admin/author/list", params={"search": "gra"}).text
    assert "Grace" in page and ">Ada<" not in page
    assert client.get("/admin/author/list?sortBy=name&sort=desc&pageSize=1").status_code == 200
    assert client.get("/admin/nothing/list").status_code == 404


def test_details_and_statics(client):
    assert "Compilers" in client.get("/admin/author/details/2").text
    assert client.get("/admin/author/details/99").status_code == 404
    assert client.get("/admin/statics/css/main.css").status_code == 200


def test_a_row_is_made_changed_and_removed(client, engine):
    made = client.post("/admin/author/create", data={"name": "Barbara", "save": "Save"}, follow_redirects=False)
    assert (made.status_code, made.headers["location"]) == (302, "http://testserver/admin/author/list")
    changed = client.post("/admin/author/edit/3", data={"name": "Barbara L.", "save": "Save"}, follow_redirects=False)
    assert changed.status_code == 302
    with Session(engine) as session:
        assert session.get(Author, 3).name == "Barbara L."
    assert client.delete("/admin/author/delete", params={"pks": "3"}).status_code == 200
    with Session(engine) as session:
        assert session.get(Author, 3) is None


def test_a_wrong_form_is_shown_again(client):
    answer = client.post("/admin/book/create", data={"title": ""})
    assert answer.status_code == 400
    assert "form" in answer.text


def test_export(client):
    answer = client.get("/admin/author/export/csv")
    assert answer.status_code == 200
    assert answer.text.splitlines()[0] == "id,name"
    assert len(answer.text.splitlines()) == 3


def test_a_view_and_an_action_of_ones_own(client):
    assert client.get("/admin/report").status_code == 200
    answer = client.get("/admin/author/action/shout", follow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (307, "http://testserver/admin/author/list")


def test_logging_in(engine):
    app = FastAPI()
    admin = Admin(app, engine, authentication_backend=Password(secret_key="x"))
    admin.add_view(AuthorAdmin)
    client = TestClient(app, follow_redirects=False)
    assert client.get("/admin/author/list").headers["location"] == "http://testserver/admin/login"
    assert client.post("/admin/login", data={"username": "a", "password": "wrong"}).status_code == 400
    assert client.post("/admin/login", data={"username": "a", "password": "secret"}).status_code == 302
    assert client.get("/admin/author/list").status_code == 200
    assert client.get("/admin/logout").status_code == 302
    assert client.get("/admin/author/list").status_code == 302
