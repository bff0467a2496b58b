from machine import WDT; WDT(timeout=30_000)  # noqa: E702, I001 (nothing may hang before this line)
