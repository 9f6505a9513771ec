"""Who asks, what the route allows, and how much of the city is seen. See docs/security.md."""
