"""The life of an alert: raised, held back under its cause, acknowledged, cleared."""
