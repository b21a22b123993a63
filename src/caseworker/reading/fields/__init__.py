"""Fields: what a mail says about the questions of the procedures, each value with the span that says it."""
