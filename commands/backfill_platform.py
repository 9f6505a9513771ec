"""A platform of its own for `urban backfill`, where none runs: broker, ingest, stores and analytics, no page."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Sequence

import typer
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from commands.platform import Platform
from commands.running import log_to
from commands.simulated_city import NOTES
from ingest.broker import die_with_parent
from telemetry.clock import SystemClock
from telemetry.errors import StartError
from telemetry.settings import Settings

BAR = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TextColumn("left"), TimeRemainingColumn())  # fmt: skip
POLL_S = 0.2


def with_own_platform(settings: Settings, words: Sequence[str]) -> None:
    """Start the platform, let `urban backfill WORDS` publish to it as a process, and wait until all is analysed."""
    log_to(settings.data_dir / "urban.log")
    platform = Platform(settings, SystemClock())
    publisher: subprocess.Popen[str] | None = None
    ended = threading.Event()
    before = {s: signal.signal(s, lambda *_: ended.set()) for s in (signal.SIGINT, signal.SIGTERM)}
    try:
        platform.start()
        if not platform.receiver.wait_until_subscribed(15.0):
            raise StartError("URBAN_BROKER", platform.receiver.trouble(), str(platform.address))
        NOTES.print("no platform runs; this one is started for the backfill")
        publisher = _start(platform, words)
        code = _follow(platform, publisher, ended)
    finally:
        if publisher is not None and publisher.poll() is None:
            publisher.terminate()
            publisher.wait(10)
        platform.stop()
        for number, handler in before.items():
            signal.signal(number, handler)
    if code == 0:
        NOTES.print(f"What was measured is kept in {settings.data_dir}; `urban up` shows it.")
        return
    if code == 130:
        NOTES.print("interrupted; the same command goes on where it stopped")
    raise typer.Exit(code)


def _start(platform: Platform, words: Sequence[str]) -> subprocess.Popen[str]:
    address = str(platform.address)
    command = [
        sys.executable,
        "-m",
        "cli",
        "backfill",
        *words,
        "--broker",
        address,
        "--progress-json",
    ]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True, start_new_session=True,
        preexec_fn=die_with_parent, env=os.environ | {"PYTHONUNBUFFERED": "1"},
    )  # fmt: skip


def _follow(platform: Platform, publisher: subprocess.Popen[str], ended: threading.Event) -> int:
    """Show the progress until all is published and analysed; returns the exit code."""
    progress: list[tuple[int, int]] = []
    reader = threading.Thread(target=_read, args=(publisher, progress), daemon=True)
    reader.start()
    with Progress(*BAR, console=NOTES, disable=not NOTES.is_terminal) as bar:
        task, said = bar.add_task("backfill", total=None), -1
        while publisher.poll() is None and not ended.is_set():
            if progress:
                done, total = progress[-1]
                bar.update(task, completed=done, total=total)
                tenth = 10 * done // max(total, 1)
                if not NOTES.is_terminal and tenth > said:
                    NOTES.print(f"backfill: {10 * tenth} %")
                    said = tenth
            time.sleep(POLL_S)
        if ended.is_set():
            return 130
        bar.update(task, description="analysing", total=None)
        while not ended.is_set() and not (platform.ingest.idle() and platform.worker.caught_up()):
            time.sleep(POLL_S)
    return 130 if ended.is_set() else publisher.returncode


def _read(publisher: subprocess.Popen[str], progress: list[tuple[int, int]]) -> None:
    assert publisher.stdout is not None
    for line in publisher.stdout:
        try:
            said = json.loads(line)
            progress.append((int(said["done"]), int(said["total"])))
        except (ValueError, KeyError):
            continue
