"""Figures, as JSON lines: each beside a reference measured in the same run."""
