"""What the gateway tells about itself: the city, a command on the same machine, systemd, Prometheus."""
