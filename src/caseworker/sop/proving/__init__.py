"""The proof reading of procedures: conditions as formulas, questions to a solver, answers replayed by `decide`."""
