"""Alerts → people: which channel hears what, in few messages, each delivered or told again."""
