"""Cases: what a customer wants, how far it is, and what happens next. `machine` is pure; `ports` say what it needs stored."""
