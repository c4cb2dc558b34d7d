"""Calls that do not go on by themselves: silence, answers that do not come, time that is up."""
