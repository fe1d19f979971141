"""Request headers that nobody asked for cost nothing: the validated block is cut on first use."""

# mypy: ignore-errors

from collections.abc import Iterator, Sequence

__all__ = ["HeaderBlock", "header_block"]


class HeaderBlock:
    """Request headers over the raw block: validated, but not cut before they are asked for.

    Names with an underscore are dropped: CGI-style environments can not tell `X_Real` from `X-Real`.
    """

    def _cut(self) -> list:
        if self._pairs is None:
            pairs: list = []
            line: bytes
            name: bytes
            value: bytes
            if self._block:
                for line in self._block.split(b"\r\n"):
                    name, _, value = line.partition(b":")
                    if b"_" not in name:
                        pairs.append((name.lower(), value.strip(b" \t")))
            self._pairs = pairs
        return self._pairs

    def _index(self) -> dict:
        if self._first is None:
            first: dict = {}
            for name, value in self._cut():
                first.setdefault(name, value)
            self._first = first
        return self._first

    @property
    def raw(self) -> Sequence[tuple[bytes, bytes]]:
        """All fields in order of arrival; names lower-case."""
        return self._cut()

    def get(self, name: str, default: object = None) -> object:
        """Return the first value of a field."""
        value = self._index().get(name.encode("latin-1", "replace"))
        return default if value is None else value.decode("latin-1")

    def getall(self, name: str) -> list[str]:
        """Return all values of a field in order."""
        wanted: bytes = name.encode("latin-1", "replace")
        return [value.decode("latin-1") for key, value in self._cut() if key == wanted]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.encode("latin-1", "replace") in self._index()

    def __iter__(self) -> Iterator[tuple[str, str]]:
        return iter([(name.decode("latin-1"), value.decode("latin-1")) for name, value in self._cut()])

    def __len__(self) -> int:
        return len(self._cut())

    def __repr__(self) -> str:
        return f"<HeaderBlock of {len(self._cut())} fields>"


def header_block(block: bytes) -> HeaderBlock:
    """Return the fields of a validated block, the lines without the last line end."""
    headers: HeaderBlock = HeaderBlock.__new__(HeaderBlock)
    headers._block = block
    headers._pairs = None
    headers._first = None
    return headers
