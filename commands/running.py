"""What commands that run until Ctrl-C share: where they log, and when they end."""

from __future__ import annotations

import asyncio
import logging
import signal
from collections.abc import Awaitable
from logging.handlers import RotatingFileHandler
from pathlib import Path

import typer


def log_to(path: Path) -> None:
    """Everything to a file that stays small; the terminal is for what a person must know."""
    handler = RotatingFileHandler(path, maxBytes=5_000_000, backupCount=3, encoding="utf-8")
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler], force=True)


def ended_by_signal() -> asyncio.Event:
    """Set by Ctrl-C and by SIGTERM, in place of ending the process at once. Within a running loop."""
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    return ended


async def until_ended(signalled: asyncio.Event, stopped: Awaitable[None]) -> None:
    """Until Ctrl-C, or until the web server ends by itself."""
    tasks = {asyncio.ensure_future(signalled.wait()), asyncio.ensure_future(stopped)}
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in tasks:
        task.cancel()
    if not signalled.is_set():
        raise typer.Exit(1)
