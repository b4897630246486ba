"""The shape of JSON without parsing it: for records that no parser takes, because they are too deep or too large.

Parsers call themselves for each level, and what is nested deeper than the interpreter allows (1,000 levels) fails the
whole text. Brackets can be counted without that, once it is known what stands in texts.
"""

import uuid
from collections.abc import Iterator

DEEPEST = 100
"""Levels of nesting that every parser takes, whoever calls it."""
_BLOCK = 1 << 12
_VALUE_SIGNS = (b",", b":", b"[", b"{")
"""What comes before a value or a key, or begins one that holds others."""


def outside_texts(json: bytes) -> Iterator[tuple[int, bytes]]:
    """What stands before, between and after the texts (and keys) of JSON, each with its position."""
    plain = json.replace(rb"\\", b"..").replace(rb"\"", b"..") if b"\\" in json else json
    begin = 0
    while (quote := plain.find(b'"', begin)) >= 0:
        yield begin, plain[begin:quote]
        begin = plain.find(b'"', quote + 1) + 1
        if begin == 0:
            return
    yield begin, plain[begin:]


def has_more_values(json: bytes, most: int) -> bool:
    """Whether JSON has more than `most` values and keys; an empty array or object counts as two."""
    if sum(map(json.count, _VALUE_SIGNS)) < most:
        return False
    found = 1
    for _, piece in outside_texts(json):
        found += sum(map(piece.count, _VALUE_SIGNS))
        if found > most:
            return True
    return False


class DeepValuesCut:
    """JSON whose deepest values are replaced by texts that stand for them.

    `level`: the number of arrays and objects around the values that are looked at. One that is nested deeper than
    `DEEPEST` is cut out whole.
    """

    def __init__(self, json: bytes, level: int) -> None:
        self._mark = b'"' + uuid.uuid4().hex.encode()
        self._values: list[bytes] = []
        pieces: list[bytes] = []
        end = 0
        for begin, stop in _deep_spans(json, level):
            pieces += [json[end:begin], self._mark, b'%08d"' % len(self._values)]
            self._values.append(json[begin:stop])
            end = stop
        self.json = b"".join([*pieces, json[end:]])

    def put_back(self, part: bytes) -> bytes:
        """A part of the JSON with its deepest values again."""
        first, *others = part.split(self._mark)
        return first + b"".join(self._values[int(other[:8])] + other[9:] for other in others)


def _deep_spans(json: bytes, level: int) -> Iterator[tuple[int, int]]:
    """Begin and end of the values around which there are `level` arrays and objects, if they are too deep."""
    depth = deepest = begin = 0
    for position, block in _blocks(json):
        opened, closed = block.count(b"[") + block.count(b"{"), block.count(b"]") + block.count(b"}")
        if depth - closed > level:  # all of the block lies within one value
            deepest = max(deepest, depth + opened)
            depth += opened - closed
            continue
        for place, character in enumerate(block, position):
            if character in b"[{":
                if depth == level:
                    begin, deepest = place, 0
                depth += 1
                deepest = max(deepest, depth)
            elif character in b"]}":
                depth -= 1
                if depth == level and deepest > level + DEEPEST:
                    yield begin, place + 1


def _blocks(json: bytes) -> Iterator[tuple[int, bytes]]:
    """What stands outside of texts, in pieces that are short enough to lie within one value, mostly."""
    for position, piece in outside_texts(json):
        for start in range(0, len(piece), _BLOCK):
            yield position + start, piece[start : start + _BLOCK]
