"""Templates escape, and are found in the application's folders first."""

from __future__ import annotations

from pathlib import Path

import pytest
from jinja2.exceptions import SecurityError

from fenrir.kit.templating import TemplateNotFound, Templates


def test_everything_is_escaped_unless_told(tmp_path: Path) -> None:
    for name in ("a.html", "a.txt", "a.xml", "a.j2"):
        (tmp_path / name).write_text("{{ x }}")
    templates = Templates()
    templates.add_folder(tmp_path)
    assert {templates.render(f"a.{kind}", {"x": "<"}) for kind in ("html", "txt", "xml", "j2")} == {"&lt;"}
    assert templates.render_text("{{ x }}{{ x|safe }}", {"x": "<"}) == "&lt;<"
    plain = Templates(autoescape=lambda name: name != "a.txt")
    plain.add_folder(tmp_path)
    assert plain.render("a.txt", {"x": "<"}) == "<"


def test_folders_in_order_globals_and_processors(tmp_path: Path) -> None:
    first, second = tmp_path / "one", tmp_path / "two"
    for folder in (first, second):
        folder.mkdir()
        (folder / "both.html").write_text(folder.name)
    (second / "second.html").write_text("{{ g }}{{ p }}{{ own }}")
    templates = Templates()
    templates.add_folder(first)
    templates.add_folder(second)
    templates.globals["g"] = 1
    templates.processors.append(lambda: {"p": 2, "own": "processor"})
    assert templates.render("both.html", {}) == "one"
    assert templates.render("second.html", {"own": "caller"}) == "12caller"
    assert templates.render(["none.html", "both.html"], {}) == "one"
    assert "".join(templates.stream("second.html", {"own": 3})) == "123"
    assert templates.environment.list_templates() == ["both.html", "second.html"]
    with pytest.raises(TemplateNotFound):
        templates.render("none.html", {})
    with pytest.raises(TemplateNotFound):
        templates.render("../one/both.html", {})


def test_a_sandbox_refuses_the_inside_of_python() -> None:
    templates = Templates(sandbox=True)
    with pytest.raises(SecurityError):
        templates.render_text("{{ ''.__class__.__mro__ }}", {})
