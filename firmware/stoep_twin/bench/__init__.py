"""A technician's bench of virtual boards: bare chips on USB cables, to be flashed by the real tools and to run that."""
