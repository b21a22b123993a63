"""What tests and the lab drive the product with. Nothing of the product imports it."""
