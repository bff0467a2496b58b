"""How frames travel between nodes and gateway."""
