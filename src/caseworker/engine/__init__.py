"""Acts: takes cases under a lease, ends their events, does their effects. The only room that imports procrastinate."""
