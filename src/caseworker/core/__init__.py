"""What every room may know: identifiers, money, the clock, errors, references, language tags."""
