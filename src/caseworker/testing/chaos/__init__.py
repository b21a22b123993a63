"""The chaos campaign: real processes are killed and frozen while they work; then everything is counted again from outside."""
