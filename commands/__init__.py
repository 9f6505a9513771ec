"""What `urban …` does: one file a command, and the platform that they put together."""
