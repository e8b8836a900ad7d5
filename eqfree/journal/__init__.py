"""A run that can be interrupted: what every burst answered is kept in order, and a run that is begun again goes on.

Every call of the waist is a pure function of its arguments, and a driver's next question is a pure function of the
answers before. So the answers are the state of everything above the waist: of projections, branches, cycles and
macroscopic fields with what they committed, of tables of closures, and of the costs. A run that is begun again asks
the same questions; those that were answered before are answered from the disk, the first that was not is where it goes
on, and the bits are those of a run that nobody disturbed.
"""

from eqfree.journal.asking import answered, checkpoints, clock, in_progress
from eqfree.journal.journal import Journal, Progress
from eqfree.journal.marks import mark_of
from eqfree.journal.segments import Arrays, is_journal_file

__all__ = [
    "Arrays",
    "Journal",
    "Progress",
    "answered",
    "checkpoints",
    "clock",
    "in_progress",
    "is_journal_file",
    "mark_of",
]
