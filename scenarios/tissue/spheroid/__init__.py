"""A tumour spheroid that grows on a nutrient: every cell, projection from short bursts, and confocal measurements."""
