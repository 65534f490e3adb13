"""Answers to questions about figures: reports, scorecards, explanations. Reads facts; writes nothing."""
