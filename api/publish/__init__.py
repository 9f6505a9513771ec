"""Open data: what a city has marked open, as data sets per kind and area, for everybody."""
