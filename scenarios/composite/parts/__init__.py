"""The parts of the study of a composite, one file each."""
