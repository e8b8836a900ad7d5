"""What hops over barriers conduct, over temperature; and ideal lattices, for which that is known exactly."""
