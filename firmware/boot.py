from machine import WDT; WDT(timeout=30_000)  # noqa: E702, I001 (nothing may hang before this line)
try:
    import micropython

    micropython.kbd_intr(-1)  # a 0x03 on UART0 that ended this file would keep main.py from running
    for _ in b" ":
        pass  # one that came before is raised at the next jump: here
except KeyboardInterrupt:
    pass
