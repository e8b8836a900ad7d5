"""How long to heal, how far to leap, how many replicas, and whether the macro state closes."""

from eqfree.diagnosis.advice import Advice, Noise
from eqfree.diagnosis.closure import Comparison, Healing, Verdict
from eqfree.diagnosis.driver import diagnose
from eqfree.diagnosis.report import Diagnosis

__all__ = ["Advice", "Comparison", "Diagnosis", "Healing", "Noise", "Verdict", "diagnose"]
