"""To the city: what is due leaves, and goes from the outbox when the broker has confirmed it."""
