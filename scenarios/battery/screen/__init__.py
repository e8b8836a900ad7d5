"""Many materials, sorted by what they conduct."""
