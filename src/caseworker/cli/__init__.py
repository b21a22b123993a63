"""The command line, one file per command group. `main` is light; a command's own imports stand inside it."""
