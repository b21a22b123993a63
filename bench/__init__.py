"""`make bench`: what it costs and how long it takes, measured side by side in one run. Not part of the product."""
