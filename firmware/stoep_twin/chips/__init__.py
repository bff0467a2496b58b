"""The parts wired to a virtual board, each as its datasheet describes it, none knowing what a board is."""
