"""What goes to the nodes beside acknowledgements: tonight's light and the lamp groups."""
