"""Vector indexes over clip-level features: building, searching, measuring and storing them. Knows arrays, not Beam."""
