"""Readings → facts → alerts: quality, windows, indices, detectors, and the life of an alert."""
