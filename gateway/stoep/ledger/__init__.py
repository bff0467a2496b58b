"""What became of every sample, per node and day: read from the store alone, so that a kill cannot make it wrong."""
