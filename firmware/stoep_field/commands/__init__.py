"""The commands `stoep node`, `stoep bridge` and `stoep field-kit`: what is asked, what is shown."""
