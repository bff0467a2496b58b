"""A city's first consumer of what a gateway publishes: it prints, checks and keeps. The example for one's own."""
