"""Approved answers: read, checked, and found again by meaning and words. No answer is ever made up."""
