"""Keys of programs: `urb_PREFIX.SECRET`. The prefix is public and finds it; of the secret a digest is kept.

The secret has 256 random bits, so a plain SHA-256 keeps it as safe as a slow hash keeps a password.
"""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

from store.access_records import ApiKey, Grant

_SHAPE = re.compile(r"urb_([a-z2-7]{8})\.([A-Za-z0-9_-]{43})")
_ALPHABET = "abcdefghijklmnopqrstuvwxyz234567"


def make_key(
    name: str, grant: Grant, by: str, now: int, expires: int | None = None
) -> tuple[ApiKey, str]:
    """(what is kept, what is shown once)."""
    prefix = "".join(secrets.choice(_ALPHABET) for _ in range(8))
    secret = secrets.token_urlsafe(32)
    kept = ApiKey(
        prefix=prefix, name=name, grant=grant, digest=_digest(secret), created=now, created_by=by,
        expires=expires,
    )  # fmt: skip
    return kept, f"urb_{prefix}.{secret}"


def parse_key(text: str) -> tuple[str, str] | None:
    """(prefix, secret); None for what is no key."""
    match = _SHAPE.fullmatch(text)
    return (match[1], match[2]) if match else None


def fits(key: ApiKey, secret: str) -> bool:
    """Whether it is this key's secret, in a time that tells nothing of it."""
    return hmac.compare_digest(key.digest, _digest(secret))


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
