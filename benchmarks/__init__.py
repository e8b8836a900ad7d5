"""What things cost: `make bench NAME=cars`. Imports everything, is imported by nothing but its tests."""
