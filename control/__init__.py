"""From somebody's wish to a device and back: commands over MQTT, their answers and time-outs, desired and reported state."""
