"""A broker's address → an aiomqtt client, for publishing and for commands. (The ingestor uses paho: see
docs/decisions.)"""

from __future__ import annotations

import aiomqtt

from telemetry.address import BrokerAddress
from telemetry.errors import StartError


def mqtt_client(
    address: BrokerAddress,
    *,
    in_flight: int = 20,
    identifier: str | None = None,
    will: aiomqtt.Will | None = None,
    keep_session: bool = False,
) -> aiomqtt.Client:
    """A client that is not connected yet; `in_flight` publishes may wait for confirmation at once.

    `identifier` is the client id (None: a random one), `will` what the broker says for it when it is lost;
    keep_session: the broker keeps what comes for this identifier while it is away. To be made inside a
    running event loop.
    """
    client = aiomqtt.Client(
        address.host,
        address.port,
        identifier=identifier,
        will=will,
        clean_session=not keep_session,
        username=address.user,
        password=address.password,
        tls_context=address.tls_context(),
        # 3.1.1, because that is what every broker of ours speaks; the embedded one refuses 5.
        protocol=aiomqtt.ProtocolVersion.V311,
        max_inflight_messages=in_flight,
    )
    # Above it aiomqtt warns of a publisher that doesn't wait; ours does, with a bound of its own.
    client.pending_calls_threshold = in_flight + 1
    return client


def unreachable(address: BrokerAddress, error: BaseException) -> StartError:
    """The one line for a broker that can't be reached."""
    return StartError(
        str(address), f"the broker can't be reached ({error})", remedy="is it running there?"
    )
