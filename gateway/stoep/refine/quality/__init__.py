"""How good each reading is, and why: QARTOD's tests over a node's series, and the comparison with its neighbours."""
