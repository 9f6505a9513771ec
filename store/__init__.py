"""Where things live: telemetry (readings, roll-ups, the account) and operations (devices, alerts, quarantine)."""
