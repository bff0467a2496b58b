"""A reference stood beside a sensor: what both measured at the same time, and the correction that follows from it."""
