"""A second administration, with its own mount, templates, JSON API and session."""

import re

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient
from sqlalchemy import create_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, Session, mapped_column
from sqlalchemy.pool import StaticPool
from starlette_admin.contrib.sqla import Admin, ModelView


class Base(DeclarativeBase):
    pass


class Post(Base):
    __tablename__ = "post"

    id: Mapped[int] = mapped_column(primary_key=True)
    title: Mapped[str]


@pytest.fixture
def client():
    engine = create_engine("sqlite://", connect_args={"check_same_thread": False}, poolclass=StaticPool)
    Base.metadata.create_all(engine)
    with Session(engine) as session:
        session.add_all([Post(title="First"), Post(title="Second")])
        session.commit()
    app = FastAPI()

    @app.get("/")
    def index():
        return "index"

    admin = Admin(engine, title="Test")
    admin.add_view(ModelView(Post))
    admin.mount_to(app)
    with TestClient(app) as client:
        yield client
    engine.dispose()


def test_pages(client):
    assert client.get("/").json() == "index"
    assert client.get("/admin/").status_code == 200
    assert client.get("/admin/post/list").status_code == 200
    assert client.get("/admin/post/create").status_code == 200
    assert "First" in client.get("/admin/post/detail", params={"pk": 1}).text
    assert client.get("/admin/post/detail", params={"pk": 9}).status_code == 404
    assert client.get("/admin/nothing/list").status_code == 404


def test_a_form_of_another_site_is_refused(client):
    assert client.post("/admin/post/create", data={"title": "Third"}).status_code == 403


def test_a_row_is_made(client):
    page = client.get("/admin/post/create").text
    name, key = re.search(r'name="([^"]*csrf[^"]*)"\s+value="([^"]+)"', page).groups()
    made = client.post("/admin/post/create", data={"title": "Third", name: key}, follow_redirects=False)
    assert made.status_code == 303
    assert "Third" in client.get("/admin/post/detail", params={"pk": 3}).text


def test_the_mount_is_not_documented(client):
    assert list(client.get("/openapi.json").json()["paths"]) == ["/"]
