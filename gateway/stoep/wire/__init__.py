"""The gateway's side of the wire: sealed frames, what is in them, the channel catalogue, the line to the bridge."""
