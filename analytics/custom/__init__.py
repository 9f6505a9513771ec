"""Rules that an engineer of the city adds: defined and checked, evaluated beside those of the kinds, tried on history."""
