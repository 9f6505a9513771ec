"""Messages through Apprise to a real web server and a real mail server, and what is said where they fail."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Iterator
from email import message_from_bytes
from email.header import decode_header, make_header
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from analytics.notify.delivery import AppriseDelivery
from analytics.notify.plan import Channel
from ingest.broker import free_port
from telemetry.errors import DeclarationError

TITLE, BODY = "[Cao] Không khí xấu – Bến Thành (mới)", "Nơi: Bến Thành\nGiá trị: 171,5 µg/m³"


class Hook(ThreadingHTTPServer):
    """A webhook that keeps what it is sent, and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        super().__init__(("127.0.0.1", 0), _Handler)
        self.url = f"json://user:secret@127.0.0.1:{self.server_port}/hook"


class _Handler(BaseHTTPRequestHandler):
    server: Hook

    def do_POST(self) -> None:
        self.server.got.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def hook() -> Iterator[Hook]:
    server = Hook()
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield server
    server.shutdown()
    thread.join()
    server.server_close()


class Mailbox:
    def __init__(self) -> None:
        self.mails: list[bytes] = []

    async def handle_DATA(self, server: object, session: object, envelope: Any) -> str:
        self.mails.append(envelope.content)
        return "250 OK"


def delivery(url: str) -> AppriseDelivery:
    return AppriseDelivery("notify.toml", {"duty": Channel(url=url)})


def test_a_webhook_gets_title_and_text(hook: Hook) -> None:
    assert delivery(hook.url)("duty", TITLE, BODY)
    (got,) = hook.got
    assert (got["title"], got["message"]) == (TITLE, BODY)


def test_mail_arrives_with_its_diacritics() -> None:
    mailbox = Mailbox()
    port = free_port()
    server = Controller(mailbox, hostname="127.0.0.1", port=port)
    server.start()
    try:
        url = f"mailto://127.0.0.1:{port}?from=ioc@example.com&to=duty@example.com&mode=insecure&format=text"
        assert delivery(url)("duty", TITLE, BODY)
    finally:
        server.stop()
    (raw,) = mailbox.mails
    mail = message_from_bytes(raw, policy=default)
    assert str(make_header(decode_header(mail["Subject"]))) == TITLE
    part = mail.get_body(preferencelist=("plain",))
    assert part is not None
    assert part.get_content().strip().replace("\r\n", "\n") == BODY


@pytest.mark.parametrize("status", [401, 404, 429, 500])
def test_a_channel_that_refuses_is_not_taken_for_told(hook: Hook, status: int) -> None:
    hook.status = status
    assert not delivery(hook.url)("duty", TITLE, BODY)
    hook.status = 200
    assert delivery(hook.url)("duty", TITLE, BODY)


def test_nobody_there_is_a_failure_and_no_secret_is_in_the_log(
    hook: Hook, caplog: pytest.LogCaptureFixture
) -> None:
    found = delivery("json://user:secret@127.0.0.1:9/hook")
    with caplog.at_level(logging.INFO):
        assert not found("duty", TITLE, BODY)
    assert "secret" not in caplog.text


def test_a_url_that_is_no_service_is_refused_without_showing_it() -> None:
    with pytest.raises(
        DeclarationError, match=r"channels.duty.url: must be an Apprise URL"
    ) as error:
        delivery("carrierpigeon://user:secret@roof")
    assert "secret" not in str(error.value)
