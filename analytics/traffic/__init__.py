"""Road traffic: what flows, how well, whether the detector is to be believed, and what holds it up."""
