"""Media types and content negotiation (RFC 9110 §8.3 and §12.5).

All four Accept headers have the same grammar, a list of items with a weight. An item that is malformed is ignored;
what no item names has weight 0, except `identity` among encodings. The most specific matching item decides, and of
equal weights the application's order wins.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import NamedTuple

from fenrir.http.headers import format_params, is_token, parse_dict_params, split_list

__all__ = [
    "MediaType",
    "Preference",
    "best_charset",
    "best_encoding",
    "best_language",
    "best_match",
    "parse_accept",
    "quality",
]

_WEIGHT = re.compile(r"0(?:\.[0-9]*)?|1(?:\.0*)?")


class MediaType(NamedTuple):
    """A media type or a range of them, in lower case but for the values of its parameters."""

    type: str
    subtype: str
    params: Mapping[str, str]

    @classmethod
    def parse(cls, text: str) -> MediaType:
        """Return the media type that the text spells. Raises `ValueError` when it is malformed."""
        essence, params = parse_dict_params(text)
        kind, slash, subtype = essence.partition("/")
        if not slash or not is_token(kind) or not is_token(subtype) or (kind == "*" and subtype != "*"):
            raise ValueError(f"{text[:80]!r} is not a media type")
        return cls(kind, subtype, params)

    @property
    def essence(self) -> str:
        """Type and subtype: "text/html"."""
        return f"{self.type}/{self.subtype}"

    @property
    def charset(self) -> str | None:
        """The charset parameter in lower case."""
        charset = self.params.get("charset")
        return None if charset is None else charset.lower()

    @property
    def is_json(self) -> bool:
        """`application/json`, or a type with the suffix `+json` (RFC 6839 §3.1)."""
        return self.essence == "application/json" or self.subtype.endswith("+json")

    def __str__(self) -> str:
        return format_params(self.essence, self.params)


class Preference(NamedTuple):
    """One item of an Accept header; `value` is in lower case, `q` between 0 and 1."""

    value: str
    params: Mapping[str, str]
    q: float


def parse_accept(header: str) -> list[Preference]:
    """Return the items of any Accept header, in order; malformed items are ignored."""
    preferences = []
    for item in split_list(header):
        value, params = parse_dict_params(item)
        weight = params.pop("q", "1")
        if value and _WEIGHT.fullmatch(weight) is not None:
            preferences.append(Preference(value, params, float(weight)))
    return preferences


def _media_specificity(preference: Preference, offered: MediaType) -> int:
    """Return how closely an item names the type: 0 not at all, 1 `*/*`, 2 `type/*`, 3 and more exactly."""
    if preference.value == "*/*":
        return 1
    kind, _, subtype = preference.value.partition("/")
    if kind != offered.type:
        return 0
    if subtype == "*":
        return 2
    if subtype != offered.subtype:
        return 0
    for name, text in preference.params.items():
        if offered.params.get(name, "").lower() != text.lower():
            return 0
    return 3 + len(preference.params)


def quality(accept: str | None, media_type: str) -> float:
    """Return the weight that an `Accept` header gives to a media type; 1 if there is no header."""
    if accept is None or not accept.strip(" \t"):
        return 1.0
    return _media_quality(parse_accept(accept), _parsed(media_type))


def _media_quality(preferences: Sequence[Preference], offered: MediaType) -> float:
    return _decide(preferences, lambda preference: _media_specificity(preference, offered), 0.0)


def _decide(preferences: Sequence[Preference], specificity: Callable[[Preference], int], unnamed: float) -> float:
    best, weight = 0, unnamed
    for preference in preferences:
        close = specificity(preference)
        if close > best:
            best, weight = close, preference.q
    return weight


@lru_cache(maxsize=256)
def _parsed(offered: str) -> MediaType:
    return MediaType.parse(offered)


def _best(offered: Sequence[str], weigh: Callable[[str], float]) -> str | None:
    best, weight = None, 0.0
    for candidate in offered:
        candidate_weight = weigh(candidate)
        if candidate_weight > weight:
            best, weight = candidate, candidate_weight
    return best


def best_match(accept: str | None, offered: Sequence[str]) -> str | None:
    """Return the media type of `offered` that the client prefers, None if it accepts none.

    Without a header it is the first. Raises `ValueError` if an offered type is malformed.
    """
    if accept is None or not accept.strip(" \t"):
        return offered[0] if offered else None
    preferences = parse_accept(accept)
    return _best(offered, lambda candidate: _media_quality(preferences, _parsed(candidate)))


def _exact(name: str) -> Callable[[Preference], int]:
    lower = name.lower()
    return lambda preference: 2 if preference.value == lower else 1 if preference.value == "*" else 0


def best_encoding(accept_encoding: str | None, offered: Sequence[str]) -> str | None:
    """Return the content coding to use: one of `offered`, or "identity" if that weighs more or none fits.

    None means that even `identity` was excluded. Without a header it is "identity": the client may not know
    any coding (RFC 9110 §12.5.3 would allow all).
    """
    if accept_encoding is None:
        return "identity"
    preferences = parse_accept(accept_encoding)
    best = _best(offered, lambda coding: _decide(preferences, _exact(coding), 0.0))
    best_weight = 0.0 if best is None else _decide(preferences, _exact(best), 0.0)
    named = _decide(preferences, lambda preference: 1 if preference.value == "identity" else 0, -1.0)
    if named > best_weight:
        return "identity"
    if best is not None:
        return best
    return "identity" if _decide(preferences, _exact("identity"), 1.0) > 0 else None


def best_charset(accept_charset: str | None, offered: Sequence[str]) -> str | None:
    """Return the charset of `offered` that the client prefers, None if it accepts none."""
    if accept_charset is None:
        return offered[0] if offered else None
    preferences = parse_accept(accept_charset)
    return _best(offered, lambda charset: _decide(preferences, _exact(charset), 0.0))


def best_language(accept_language: str | None, offered: Sequence[str]) -> str | None:
    """Return the language of `offered` that the client prefers, None if it accepts none.

    A range matches a tag that is equal or begins with it and `-` (RFC 4647 §3.3.1); when no tag matches so, a tag
    that is the beginning of a range does: `en` is offered to who asks for `en-GB` only.
    """
    if accept_language is None:
        return offered[0] if offered else None
    preferences = parse_accept(accept_language)
    filtered = _best(offered, lambda tag: _decide(preferences, lambda preference: _language(preference, tag), 0.0))
    if filtered is not None:
        return filtered
    excluded = {preference.value for preference in preferences if preference.q == 0}
    wanted = [preference for preference in preferences if preference.q > 0]
    return _best(
        [tag for tag in offered if tag.lower() not in excluded],
        lambda tag: max((p.q for p in wanted if p.value.startswith(f"{tag.lower()}-")), default=0.0),
    )


def _language(preference: Preference, tag: str) -> int:
    if preference.value == "*":
        return 1
    lower = tag.lower()
    if lower == preference.value or lower.startswith(f"{preference.value}-"):
        return 1 + len(preference.value)
    return 0
