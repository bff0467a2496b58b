"""How many frames of each sender are looked at: a token bucket each, as a bridge has them for its radio.

Who goes on regardless is not listened to for a while: what a link must take in only to drop it, it takes from others.
"""

from collections import OrderedDict

from stoep.clock import real

MUTE = 60.0  # seconds
_EXCESS = 100.0  # frames too many, worn off at the sender's rate, after which it is muted
_SENDERS = 1024  # the one unheard for the longest goes


class Rates:
    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = float(burst)
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()  # sender → tokens, as of when
        self._muted: dict[str, float] = {}  # until when

    def allows(self, sender: str) -> bool:
        """Takes a token, if there is one; below none is the sender's excess."""
        now = real()
        tokens, since = self._buckets.pop(sender, (self._burst, now))
        tokens = min(self._burst, tokens + (now - since) * self._rate) - 1.0
        self._buckets[sender] = max(tokens, -_EXCESS), now
        if len(self._buckets) > _SENDERS:
            self._buckets.popitem(last=False)
        if tokens <= -_EXCESS:
            self._muted[sender] = now + MUTE
        return tokens >= 0.0

    def muted(self) -> frozenset[str]:
        """Those who are not to be listened to now."""
        now = real()
        self._muted = {sender: until for sender, until in self._muted.items() if until > now}
        return frozenset(self._muted)
