"""The technician's laptop: what turns the project's drawings and contracts into things on a board."""
