"""OGC SensorThings API 1.1, Part 1 (18-088): the city's devices and readings under /sta/v1.1. See docs/sensorthings.md."""
