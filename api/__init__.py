"""REST, the live stream, and the page that an operator opens."""
