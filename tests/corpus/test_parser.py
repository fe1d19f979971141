"""Every case of the corpus through the parser: the outcome that its file says, in both forms, at every split."""

from __future__ import annotations

import pytest

from ..asteri.forms import FORMS
from .cases import KINDS, Case, load
from .reading import read, splits

CASES = [case for kind in KINDS for case in load(kind)]


def expected(case: Case) -> list[tuple[object, ...]]:
    return [tuple(getattr(request, field) for field in request.__slots__) for request in case.requests]


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_outcome_at_every_split(form: str, case: Case) -> None:
    whole = read("interpreted", [case.data])
    assert [request[:6] for request in whole.requests] == expected(case)
    assert whole.error == (None if case.status is None else (case.status, case.reason))
    for pieces in splits(case.data):
        assert read(form, pieces) == whole
