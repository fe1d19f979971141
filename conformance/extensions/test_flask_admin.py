"""An administration of books and files."""

import io

import pytest
from flask import Flask, redirect, request, session, url_for
from flask_admin import Admin, AdminIndexView, BaseView, expose
from flask_admin.actions import action
from flask_admin.contrib.fileadmin import FileAdmin
from flask_admin.contrib.sqla import ModelView
from flask_admin.menu import MenuLink
from flask_babel import Babel
from flask_sqlalchemy import SQLAlchemy


@pytest.fixture
def app(tmp_path):
    app = Flask(__name__)
    app.config.update(SECRET_KEY="k", SQLALCHEMY_DATABASE_URI=f"sqlite:///{tmp_path}/x.db")
    db = SQLAlchemy(app)
    Babel(app, locale_selector=lambda: request.args.get("lang", "en"))

    class Author(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        name = db.Column(db.String(50), unique=True, nullable=False)

        def __str__(self):
            return self.name

    class Book(db.Model):
        id = db.Column(db.Integer, primary_key=True)
        title = db.Column(db.String(50), nullable=False)
        price = db.Column(db.Integer)
        author_id = db.Column(db.Integer, db.ForeignKey(Author.id))
        author = db.relationship(Author, backref="books")

    class Guarded(ModelView):
        def is_accessible(self):
            return session.get("user") == "root"

        def inaccessible_callback(self, name, **kwargs):
            return redirect(url_for("login", next=request.url))

    class Books(Guarded):
        column_searchable_list = ("title",)
        column_filters = ("price",)
        column_sortable_list = ("title", "price")
        column_editable_list = ("title",)
        can_export = True
        page_size = 3

        @action("double", "Double the price", "Really?")
        def double(self, ids):
            for book in Book.query.filter(Book.id.in_(ids)):
                book.price *= 2
            db.session.commit()

    class Index(AdminIndexView):
        @expose("/")
        def index(self):
            return self.render("admin/index.html")

    class Report(BaseView):
        @expose("/")
        def index(self):
            return f"{Book.query.count()} books, see {url_for('.detail', number=7)}"

        @expose("/detail/<int:number>", methods=["GET", "POST"])
        def detail(self, number):
            return f"{request.method} {number + 1}"

    @app.get("/login")
    def login():
        session["user"] = "root"
        return "welcome"

    files = tmp_path / "files"
    files.mkdir()
    (files / "a.txt").write_text("text of a file")
    admin = Admin(app, name="Library", index_view=Index())
    admin.add_view(Books(Book, db, endpoint="books"))
    admin.add_view(Guarded(Author, db, endpoint="authors"))
    admin.add_view(Report(name="Report", endpoint="report"))
    admin.add_view(FileAdmin(str(files), None, name="Files", endpoint="files"))
    admin.add_link(MenuLink("Shop", url="/"))
    with app.app_context():
        db.create_all()
        author = Author(name="Snorri")
        db.session.add_all([author, *(Book(title=f"Book {n}", price=n, author=author) for n in range(1, 6))])
        db.session.commit()
    app.db, app.Book = db, Book
    return app


@pytest.fixture
def client(app):
    client = app.test_client()
    client.get("/login")
    return client


def test_the_index_and_the_menu(client):
    page = client.get("/admin/").text
    assert "Library" in page and "Report" in page and "Shop" in page and "/admin/books/" in page
    assert client.get("/admin/static/admin/js/helpers.js").status_code == 200


def test_who_has_not_logged_in_is_sent_away(app):
    answer = app.test_client().get("/admin/books/")
    assert answer.status_code == 302 and answer.headers["Location"].startswith("/login?next=")


def test_lists_are_paged_searched_sorted_and_filtered(client):
    first = client.get("/admin/books/").text
    assert "Book 3" in first and "Book 4" not in first
    assert "Book 4" in client.get("/admin/books/?page=1").text
    found = client.get("/admin/books/?search=Book+5").text
    assert "Book 5" in found and "Book 1" not in found
    assert "Book 5" in client.get("/admin/books/?sort=1&desc=1").text
    assert "Book 5" in client.get("/admin/books/?flt1_2=4").text


def test_books_are_made_changed_and_deleted(app, client):
    made = client.post("/admin/books/new/", data={"title": "New", "price": "9"}, follow_redirects=True)
    assert made.status_code == 200 and "Record was successfully created." in made.text
    assert "This field is required" in client.post("/admin/books/new/", data={"price": "9"}).text
    with app.app_context():
        number = app.Book.query.filter_by(title="New").one().id
    assert 'value="New"' in client.get(f"/admin/books/edit/?id={number}").text
    client.post(f"/admin/books/edit/?id={number}", data={"title": "Changed", "price": "10"})
    assert client.post("/admin/books/ajax/update/", data={"list_form_pk": number, "title": "Inline"}).status_code == 200
    with app.app_context():
        assert (app.db.session.get(app.Book, number).title, app.db.session.get(app.Book, number).price) == (
            "Inline",
            10,
        )
    assert client.post("/admin/books/delete/", data={"id": number}).status_code == 302
    with app.app_context():
        assert app.db.session.get(app.Book, number) is None


def test_an_action_and_an_export(app, client):
    client.post("/admin/books/action/", data={"action": "double", "rowid": ["1", "2"]})
    with app.app_context():
        assert [book.price for book in app.Book.query.order_by(app.Book.id)] == [2, 4, 3, 4, 5]
    export = client.get("/admin/books/export/csv/")
    assert export.mimetype == "text/csv" and export.text.splitlines()[1] == "Snorri,Book 1,2"


def test_a_view_of_its_own(client):
    assert client.get("/admin/report/").text == "5 books, see /admin/report/detail/7"
    assert client.post("/admin/report/detail/7").text == "POST 8"
    assert client.put("/admin/report/detail/7").status_code == 405


def test_translation(client):
    german = client.get("/admin/books/?lang=de").text
    assert "Erstellen" in german and "Create" not in german


def test_files(client):
    assert "a.txt" in client.get("/admin/files/").text
    assert client.get("/admin/files/download/a.txt").data == b"text of a file"
    client.post("/admin/files/upload/", data={"upload": (io.BytesIO(b"sent"), "b.txt")}, follow_redirects=True)
    assert client.get("/admin/files/download/b.txt").data == b"sent"
    assert client.post("/admin/files/delete/", data={"path": "b.txt"}).status_code == 302
    assert "was successfully deleted" in client.get("/admin/files/").text
    assert "b.txt" not in client.get("/admin/files/").text
    assert client.get("/admin/files/download/../../x.db").status_code in (302, 404)
