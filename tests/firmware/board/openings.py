"""How much cryptography a piece of work costs: floods must cost none."""

from node import ccm


def openings(work):
    """How often `work` comes to cryptography, and what it returns."""
    real, calls = ccm.unseal, []

    def unseal(*arguments):
        calls.append(1)
        return real(*arguments)

    ccm.unseal = unseal
    try:
        return work(), len(calls)
    finally:
        ccm.unseal = real
