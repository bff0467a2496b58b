"""What the city's systems speak."""
