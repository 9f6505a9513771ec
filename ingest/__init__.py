"""Bytes → trusted readings: receive, decode, validate, deduplicate, write, acknowledge."""
