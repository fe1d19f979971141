"""A second administration, with its own mount, templates, JSON API and session."""

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
    assert "First" in client.get("/admin/post/detail/1").text
    assert client.get("/admin/post/detail/9").status_code == 404
    assert client.get("/admin/nothing/list").status_code == 404


def test_statics(client):
    assert client.get("/admin/statics/css/tabler.min.css").status_code == 200


def test_the_json_api(client):
    answer = client.get("/admin/api/post", params={"where": "first"})
    assert [row["title"] for row in answer.json()["items"]] == ["First"]
    assert client.get("/admin/api/post?order_by=id%20desc").json()["total"] == 2


def test_a_row_is_made_changed_and_removed(client):
    made = client.post("/admin/post/create", data={"title": "Third"}, follow_redirects=False)
    assert made.status_code == 303
    changed = client.post("/admin/post/edit/3", data={"title": "Third!"}, follow_redirects=False)
    assert changed.status_code == 303
    assert "Third!" in client.get("/admin/post/detail/3").text
    removed = client.post("/admin/api/post/action", params={"name": "delete", "pks": ["3"]})
    assert removed.status_code == 200, removed.text
    assert client.get("/admin/api/post").json()["total"] == 2
