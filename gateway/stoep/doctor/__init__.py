"""What can be wrong with the machine around the gateway, looked for one by one, each with its remedy in plain words."""
