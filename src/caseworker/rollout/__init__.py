"""How far a release may act: its states, who may bring it from one to the next, which customers it serves. Pure."""
