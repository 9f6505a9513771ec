"""What docs/runbook.md says about a code, for commands that tell a person what to do."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

RUNBOOK = "docs/runbook.md"
_FILE = Path(__file__).parent.parent / RUNBOOK


def heading(code: str) -> str:
    """Where to read on."""
    return f"{RUNBOOK}#{code}"


def remedy(code: str) -> str:
    """The `Mend:` of a code's section, in one line; "" where the runbook is not at hand or has none."""
    section = _sections().get(code, "")
    found = re.search(r"Mend:\s*(.+?)(?:\s*\*|\n\n|\Z)", section, flags=re.S)
    return " ".join(found[1].split()) if found else ""


def said(words: str) -> str:
    """The code of the section whose words (`Says: “…”`) stand in what a part says is wrong; "" for none."""
    for code, body in _sections().items():
        phrase = re.search(r"^Says: “(.+)”$", body, flags=re.M)
        if phrase is not None and phrase[1] in words:
            return code
    return ""


@cache
def _sections() -> dict[str, str]:
    try:
        text = _FILE.read_text(encoding="utf-8")
    except OSError:
        return {}  # installed without its documents
    parts = re.split(r"^### `([a-z0-9_]+)`$", text, flags=re.M)
    return {
        code: body.split("\n## ")[0] for code, body in zip(parts[1::2], parts[2::2], strict=True)
    }
