"""A wound that closes: cells on either side of a gap move and divide into it."""
