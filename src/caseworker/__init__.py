"""Caseworker: an AI worker that owns every customer case from the first mail to a verified resolution."""

__version__ = "0.1.0"
