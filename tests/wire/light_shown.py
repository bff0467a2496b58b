"""The light of a reply as `board/peer.py` says it, from what the gateway reads."""

from typing import Any

from stoep.wire.light import Light


def shown_light(light: Light | None) -> Any:
    """[version, plan, [generation, secret, own, lamps]], bytes as digits."""
    if light is None:
        return None
    share = light.group
    lamps = share and [[lamp.kid.hex(), lamp.position] for lamp in share.lamps]
    return [light.version, list(light.plan), share and [share.generation, share.secret.hex(), share.own, lamps]]
