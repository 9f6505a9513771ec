"""Settings of access: where people reach the platform, how long they stay logged in, how much they may ask."""

from __future__ import annotations

from telemetry.setting import Setting
from telemetry.setting_values import (
    duration,
    names,
    origins,
    public_url,
    real,
    token,
    toml_file,
)

ACCESS_SETTINGS: tuple[Setting, ...] = (
    Setting(
        "public_url",
        "",
        "empty, or https://host[:port]",
        "Where people reach the page, through a proxy that ends TLS; cookies are for TLS only then",
        public_url,
    ),
    Setting(
        "hosts",
        "",
        "empty, or names like urban,10.0.0.5",
        "Further names that requests may be addressed to, beside loopback, URBAN_BIND and URBAN_PUBLIC_URL",
        names,
    ),
    Setting(
        "proxies",
        "",
        "empty, or addresses like 10.0.0.2",
        "Proxies whose X-Forwarded-For is believed",
        names,
    ),
    Setting(
        "cors",
        "",
        "empty, or origins like https://map.example",
        "Origins whose pages may read the API, with a key and without cookies; empty: none",
        origins,
    ),
    Setting(
        "session_idle",
        "30m",
        "1m…30d",
        "How long a person stays logged in without doing anything; an open page does something",
        duration("1m", "30d"),
    ),
    Setting(
        "session_max",
        "12h",
        "5m…90d",
        "How long a person stays logged in at most: a shift",
        duration("5m", "90d"),
    ),
    Setting(
        "oidc",
        "",
        "empty, or a .toml file (see docs/security.md)",
        "The city's OpenID Connect provider, and which of its groups have which role",
        toml_file,
    ),
    Setting(
        "api_rate",
        "50",
        "0.1…100000",
        "Requests that a person or a program may make, on average [1/s]",
        real(0.1, 100_000),
    ),
    Setting(
        "api_rate_anonymous",
        "5",
        "0.1…100000",
        "Requests from an address of which nobody is logged in [1/s]",
        real(0.1, 100_000),
    ),
    Setting(
        "api_readings",
        "30",
        "0.01…1000000",
        "Millions of readings that a person or a program is given a minute; a tenth where nobody is logged in",
        real(0.01, 1_000_000),
    ),
    Setting(
        "api_key",
        "",
        "empty, or urb_….…",
        "Key that commands send to the platform; empty: the one in api.key of the data folder",
        token,
        hidden=True,
    ),
)
