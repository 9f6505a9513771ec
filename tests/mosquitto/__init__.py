"""Mosquitto with the configuration that a city runs."""
