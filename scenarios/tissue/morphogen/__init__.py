"""A morphogen spreads from one side of a tissue whose cells follow it, divide by it and take it up."""
