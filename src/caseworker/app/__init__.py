"""The facade: what the outside may ask of Caseworker, one module an audience. Holds no rule of its own."""
