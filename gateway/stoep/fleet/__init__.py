"""How the nodes are: who is silent, whose battery ends when, whose clock drifts, who yields data one can use."""
