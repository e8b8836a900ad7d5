"""Growth of an even population: what its density alone misses, and what pairs repair."""
