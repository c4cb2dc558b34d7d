"""Finds what is wrong before a caller does: checks, each with one line and its remedy."""

from worker.doctor.examination import examine
from worker.doctor.findings import Finding, Verdict

__all__ = ["Finding", "Verdict", "examine"]
