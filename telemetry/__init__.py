"""The words that every stage speaks: readings, flags, time, units, errors, settings, metrics.

Imports nothing of ours; everything else imports this.
"""
