"""The lab: scripted customers against a whole installation, and how far the outcome is from what was expected."""
