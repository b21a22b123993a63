"""Durations of procedures; see `core.durations`."""

from caseworker.core.durations import parse_duration

__all__ = ["parse_duration"]
