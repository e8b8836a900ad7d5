"""Ions between electrodes that block them: how they pile up in a field, by coarse projection."""
