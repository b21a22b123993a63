"""The web pages: what the worker has on its desk, why each case went as it did, and what waits for people."""
