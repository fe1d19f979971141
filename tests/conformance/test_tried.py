"""The list of what was tried once."""

from pathlib import Path

import pytest

from conformance.suite import RecordError
from conformance.tried import tried


def test_what_is_committed_can_be_read() -> None:
    found = [(one.package.lower(), one.on) for one in tried()]
    assert found == sorted(set(found))


@pytest.mark.parametrize(
    "counts", ["passed = 1\nof = 2", "passed = 2\nof = 1", 'passed = 1\nof = 1\nreason = "none"', "passed = 1"]
)
def test_a_loss_has_a_reason(tmp_path: Path, counts: str) -> None:
    record = tmp_path / "tried.toml"
    record.write_text(f'[[tried]]\npackage = "p"\nversion = "1"\non = "fastapi"\nran = "it"\n{counts}\n')
    with pytest.raises(RecordError, match=r"tried\.toml"):
        tried(record)
