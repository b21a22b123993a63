"""What `check` looks at: types of expressions, the shape of tables, words and names of other files."""
