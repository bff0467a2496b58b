"""The virtual street: the real firmware on virtual boards, in a simulated world, reporting to the real gateway."""
