"""First contact: a few questions, each answer tried, and the gateway runs."""
