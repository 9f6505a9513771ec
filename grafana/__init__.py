"""Boards for Grafana as code: what they show, what they read, and how they get there."""
