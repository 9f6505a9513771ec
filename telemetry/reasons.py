"""Why something was put in quarantine: a fixed list, so that counts stay bounded and each has a heading
in docs/runbook.md."""

from __future__ import annotations

from enum import StrEnum


class Reason(StrEnum):
    """What kept a message, or one record of it, from being stored as a reading."""

    BAD_TOPIC = "bad_topic"
    TOO_LARGE = "too_large"
    NOT_UTF8 = "not_utf8"
    NOT_JSON = "not_json"
    NOT_AN_OBJECT = "not_an_object"
    EMPTY = "empty"
    BAD_SENML = "bad_senml"
    BAD_TIME = "bad_time"
    NAIVE_TIME = "naive_time"
    TIME_AHEAD = "time_ahead"
    TIME_TOO_OLD = "time_too_old"
    BAD_SEQ = "bad_seq"
    UNKNOWN_KIND = "unknown_kind"
    KIND_MISMATCH = "kind_mismatch"
    UNREGISTERED = "unregistered"
    TOO_MANY_DEVICES = "too_many_devices"
    UNKNOWN_QUANTITY = "unknown_quantity"
    NOT_A_NUMBER = "not_a_number"
    NOT_FINITE = "not_finite"
    BAD_UNIT = "bad_unit"
    IMPOSSIBLE_VALUE = "impossible_value"
    BAD_STATUS = "bad_status"
    STORE_REFUSED = "store_refused"
    RATE_LIMITED = "rate_limited"
    INTERNAL_ERROR = "internal_error"
    RETIRED = "retired"  # behind the others: a log may hold places in this list
