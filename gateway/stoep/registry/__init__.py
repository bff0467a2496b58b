"""Which nodes and lamp groups belong to the site, and the edits by which they come and go."""
