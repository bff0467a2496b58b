"""What is written to a board's flash, made of parts: MicroPython's image, our code, who the board is."""
