"""Driving an installation from outside: an SMTP client, processes, and the same within one event loop."""
