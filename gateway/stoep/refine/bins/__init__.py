"""How full a bin is, when it was emptied and when it will be full: pure functions of what its range finder said."""
