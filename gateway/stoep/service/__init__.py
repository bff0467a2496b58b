"""The parts of the gateway made, joined, started, watched, reloaded and stopped."""
