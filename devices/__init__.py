"""What measures: the kinds of device as data, the devices themselves, and topic and payload ↔ Readings."""
