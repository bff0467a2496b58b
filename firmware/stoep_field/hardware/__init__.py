"""Hardware as code: what a technician builds from, made of `hardware/<kind>.toml` and of nothing else."""
