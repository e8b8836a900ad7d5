"""A scratch assay: what moves and divides the cells, from its first hours, and the profile that comes after."""
