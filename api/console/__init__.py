"""The page that an operator opens."""
