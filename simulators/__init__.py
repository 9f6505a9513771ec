"""A city of devices that do not exist yet, and recordings of real ones: both publish over MQTT."""
