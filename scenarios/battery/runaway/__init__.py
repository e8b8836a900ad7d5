"""Thermal runaway: steady states of a device through their fold."""
