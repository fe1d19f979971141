import pytest
from hypothesis import given
from hypothesis import strategies as st

from fenrir.core.converters import DEFAULT
from fenrir.core.pattern import (
    EMPTY,
    Parameter,
    Pattern,
    PatternError,
    Static,
    angles_either,
    angles_name_first,
    angles_type_first,
    braces,
    join,
)


def shown(pattern: Pattern) -> list[str]:
    """The steps with types: a short form to compare."""
    return [
        "".join(part.text if isinstance(part, Static) else f"{{{part.name}:{part.converter.name}}}" for part in step)
        for step in pattern.steps
    ]


@pytest.mark.parametrize(
    ("spelling", "text", "steps"),
    [
        (braces, "/", [""]),
        (braces, "/users", ["users"]),
        (braces, "/users/", ["users", ""]),
        (braces, "/users/{id}", ["users", "{id:str}"]),
        (braces, "/users/{id:int}/x", ["users", "{id:int}", "x"]),
        (braces, "/{n:int(min=1, max=5)}", ["{n:int}"]),
        (braces, "/{n:re([0-9]{2}/x)}", ["{n:re:[0-9]{2}/x}"]),
        (braces, "/{name}.txt", ["{name:str}.txt"]),
        (braces, "/{a}.{b}", ["{a:str}.{b:str}"]),
        (braces, "/v{major:int}", ["v{major:int}"]),
        (braces, "/files/{p:path}/meta", ["files", "{p:path}", "meta"]),
        (braces, "/a//b", ["a", "", "b"]),
        (braces, "/<id>", ["<id>"]),
        (angles_type_first, "/<id>/{x}", ["{id:str}", "{x}"]),
        (angles_type_first, "/<int:id>", ["{id:int}"]),
        (angles_type_first, "/<int(min=1,max=5):id>", ["{id:int}"]),
        (angles_type_first, "/<any(a,b,'c:> d'):kind>", ["{kind:any}"]),
        (angles_type_first, "/<re('[^>]+'):x>", ["{x:re:[^>]+}"]),
        (angles_name_first, "/<id:int>", ["{id:int}"]),
        (angles_name_first, "/<id:int(min=1)>", ["{id:int}"]),
        (angles_name_first, "/<id:re:[0-9]{2}>", ["{id:re:[0-9]{2}}"]),
        (angles_name_first, "/<id:re:(?P<x>a|b)>", ["{id:re:(?:a|b)}"]),
        (angles_name_first, "/<id:[a-z:]{3}>", ["{id:re:[a-z:]{3}}"]),
        (angles_name_first, "/<id:[>]>", ["{id:re:[>]}"]),
        (angles_either, "/<id:int>/<int:n>/{x:int}/<y>", ["{id:int}", "{n:int}", "{x:int}", "{y:str}"]),
        (angles_either, "/<int(min=1):n>/<m:int(min=1)>", ["{n:int}", "{m:int}"]),
        (angles_either, "/<p:re:[a-z]+>", ["{p:re:[a-z]+}"]),
    ],
)
def test_spellings(spelling, text, steps):
    pattern = spelling(text, DEFAULT)
    assert shown(pattern) == steps
    assert str(pattern) == text


@pytest.mark.parametrize("spelling", [braces, angles_type_first, angles_name_first, angles_either])
@pytest.mark.parametrize("text", ["", "users", "{id}/x"])
def test_a_path_begins_with_a_slash(spelling, text):
    with pytest.raises(PatternError, match="begins with '/'"):
        spelling(text, DEFAULT)


@pytest.mark.parametrize(
    ("spelling", "text", "message"),
    [
        (braces, "/{a}/{a}", "two parameters named 'a'"),
        (braces, "/{}", "'{}' has no name"),
        (braces, "/{:int}", "has no name"),
        (braces, "/{a-b}", "no argument can have"),
        (braces, "/{a", "not closed"),
        (braces, "/a}", "without its opening bracket"),
        (braces, "/{a:}", "no readable type"),
        (braces, "/{a:nosuch}", "unknown type 'nosuch'"),
        (braces, "/{a:int(x=1)}", "can not be made of"),
        (angles_type_first, "/<int:>", "has no name"),
        (angles_type_first, "/<a", "not closed"),
        (angles_type_first, "/<a<b>>", "not closed"),
        (angles_type_first, "/a>", "without its opening bracket"),
        (angles_type_first, "/<id:int>", "unknown type 'id'"),
        (angles_name_first, "/<int:id>", "unknown type 'id'"),
        (angles_name_first, "/<a:(>", "not closed"),
        (angles_name_first, "/<a:[0-9]{2,1}>", "invalid"),
        (angles_either, "/<a:b>", "no known type on either side"),
        (angles_either, "/<a:{b}>", "no known type|not closed|no argument"),
    ],
)
def test_what_is_wrong_is_said(spelling, text, message):
    with pytest.raises(PatternError, match=message):
        spelling(text, DEFAULT)


def test_expressions_can_be_disallowed():
    with pytest.raises(PatternError, match="no readable type"):
        angles_name_first("/<a:[0-9]+>", DEFAULT, expressions=False)


def test_two_readings_are_refused_with_both_and_the_clear_spellings():
    with pytest.raises(PatternError) as caught:
        angles_either("/x/<int:path>", DEFAULT, type_first="North", name_first="South")
    assert str(caught.value) == (
        "'/x/<int:path>': '<int:path>' reads as North (int named 'path') or as South (path named 'int'); "
        "write '{path:int}' or '{int:path}'"
    )


def test_build_encodes_and_formats():
    pattern = braces("/a b/{name}.txt/{n:int(digits=3)}/{p:path}/", DEFAULT)
    path = pattern.build({"name": "xö?", "n": 7, "p": "c d/e%", "unused": 1})
    assert path == "/a%20b/x%C3%B6%3F.txt/007/c%20d/e%25/"
    assert braces("/", DEFAULT).build({}) == "/"


@pytest.mark.parametrize(
    ("text", "values", "message"),
    [
        ("/{a}/{b}/{c}", {"b": 1}, "needs a, c"),
        ("/{a:int}", {"a": "x"}, "a: "),
        ("/{a}", {"a": "x/y"}, "does not fit"),
        ("/{a}", {"a": ".."}, "segment"),
        ("/{p:path}", {"p": "x/../../y"}, "segment"),
    ],
)
def test_build_says_what_is_missing_or_wrong(text, values, message):
    with pytest.raises(PatternError, match=message):
        braces(text, DEFAULT).build(values)


@pytest.mark.parametrize(
    ("prefix", "text", "joined"),
    [
        ("/api", "/users", "/api/users"),
        ("/api/", "/users", "/api/users"),
        ("/api", "/", "/api/"),
        ("/", "/users/", "/users/"),
        ("/{v}", "/{x}.txt", "/{v}/{x}.txt"),
    ],
)
def test_join(prefix, text, joined):
    pattern = join(braces(prefix, DEFAULT), braces(text, DEFAULT))
    assert pattern == braces(joined, DEFAULT)


def test_join_with_nothing_and_with_the_same_name():
    api = braces("/api/", DEFAULT)
    assert join(api, EMPTY) is api
    assert join(EMPTY, api) is api
    with pytest.raises(PatternError, match="two parameters"):
        join(braces("/{a}", DEFAULT), braces("/{a}", DEFAULT))


def test_views_of_a_pattern():
    pattern = angles_type_first("/u/<int:id>/<path:rest>", DEFAULT)
    assert pattern.names == ("id", "rest")
    assert pattern.template == "/u/{id}/{rest}"
    assert pattern.ends_open and not pattern.with_slash(True).ends_open
    assert pattern.with_slash(True).text == "/u/<int:id>/<path:rest>/"
    assert pattern.fixed is None
    assert braces("/a/b/", DEFAULT).fixed == "/a/b/"
    assert isinstance(pattern.segments[1][0], Parameter)


def test_a_path_of_absurd_length_is_refused():
    with pytest.raises(PatternError, match="segments"):
        braces("/x" * 1000, DEFAULT)


@given(st.text(alphabet="/ab<>{}:()[]\\'\",=1^", max_size=25))
def test_any_text_is_a_pattern_or_an_error_that_is_ours(text):
    for spelling in (braces, angles_type_first, angles_name_first, angles_either):
        try:
            pattern = spelling(text, DEFAULT)
        except PatternError:
            continue
        assert pattern.text == text


@given(st.text(min_size=1).filter(lambda text: "/" not in text and text not in (".", "..")))
def test_what_is_built_reads_back(text):
    from urllib.parse import unquote

    assert unquote(braces("/x/{name}", DEFAULT).build({"name": text}), errors="surrogateescape") == f"/x/{text}"
