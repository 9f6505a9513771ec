"""CBOR bytes → a SenML pack as JSON would have given it (RFC 8428, section 6). Bounded against bombs.

A CBOR array starts with a byte of 0x80…0x9f, which can't start JSON; so a payload says itself what it is.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from io import BytesIO
from typing import Any

import cbor2

from devices.intake import Refused, shown
from telemetry.reasons import Reason

# RFC 8949, section 3.4.6: tag 55799 in front says "this is CBOR" and nothing else.
_SELF_DESCRIBED = b"\xd9\xd9\xf7"
# Pack, record, decimal fraction, and one level for what an extension may hold.
_MAX_DEPTH = 4
_DECIMAL_FRACTION = 4


class _NoOtherTag(Mapping[int, Callable[[Any, bool], Any]]):
    """RFC 8428 knows one tag, the decimal fraction; others would build dates, patterns and huge numbers."""

    def __getitem__(self, tag: int) -> Callable[[Any, bool], Any]:
        if tag == _DECIMAL_FRACTION:
            raise KeyError(tag)  # cbor2's own decoder

        def refuse(_decoder: Any, _immutable: bool) -> Any:
            raise ValueError(f"tag {tag} has no place in SenML")

        return refuse

    def __iter__(self) -> Iterator[int]:
        return iter(())

    def __len__(self) -> int:
        return 0


_TAGS = _NoOtherTag()


def is_cbor(payload: bytes) -> bool:
    """True where the first byte is that of a CBOR array or map, or says "this is CBOR"."""
    return b"\x80" <= payload[:1] < b"\xc0" or payload.startswith(_SELF_DESCRIBED)


def decode_cbor(payload: bytes) -> list[object]:
    """The pack in a payload; SenML's integer labels are left as they are.

    Raises Refused (bad_senml) for what is no CBOR array, is nested too deeply, holds a tag other than
    the decimal fraction, or is followed by more bytes.
    """
    file = BytesIO(payload.removeprefix(_SELF_DESCRIBED))
    decoder = cbor2.CBORDecoder(file, semantic_decoders=_TAGS, max_depth=_MAX_DEPTH)
    try:
        item: object = decoder.decode()
    except (cbor2.CBORError, ValueError, ArithmeticError, RecursionError, MemoryError) as error:
        why = str(error.__cause__ or error)
        raise Refused(Reason.BAD_SENML, "", f"must be CBOR: {why}") from None
    rest = len(file.getbuffer()) - file.tell()
    if rest:
        raise Refused(Reason.BAD_SENML, "", f"must be one CBOR item, {rest} bytes follow it")
    if not isinstance(item, list):
        need = f"in CBOR must be an array of SenML records, got {shown(item)}"
        raise Refused(Reason.BAD_SENML, "", need)
    return item
