"""Conditions: one parser (cel-python's grammar), one typed tree of ours, and its readings. Only this package knows celpy."""
