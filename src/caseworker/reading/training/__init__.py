"""Training texts of this project's own: written phrases with slots, spoken for by labels, and the noise of real mails."""
