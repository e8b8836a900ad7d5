from eqfree.hmm.gridded.table import Gridded

__all__ = ["Gridded"]
