"""Why there is no connection to the city's broker, in words that end with what to do about it."""

import ssl

from paho.mqtt.reasoncodes import ReasonCode

from stoep.errors import TransientError

_PASSWORD = "check mqtt.username and mqtt.password_file, or mqtt.cert_file"  # noqa: S105 -- a remedy
_REFUSALS = {
    0x84: "it must speak MQTT 5",
    0x85: "write another mqtt.client_id",
    0x86: _PASSWORD,
    0x87: _PASSWORD,
    0x8A: "ask the city why we are banned",
    0x8C: _PASSWORD,
    0x9A: "it must allow retained messages",
}
_GOODBYES = {
    0x87: (_PASSWORD, True),
    0x8E: ("another client uses the same mqtt.client_id, give each its own", True),
    0x95: ("a message was larger than it takes", False),
    0x98: ("ask the city why", True),
}
_ALERTS = {
    "certificate required": "it wants a certificate of ours: set mqtt.cert_file and mqtt.key_file",
    "handshake failure": "it wants a certificate of ours, or no cipher is common: look at mqtt.cert_file",
    "certificate expired": "our certificate has expired: have the city issue a new one (mqtt.cert_file)",
    "certificate revoked": "our certificate is revoked: have the city issue a new one (mqtt.cert_file)",
    "unknown ca": "it does not know who issued our certificate: ask the city for one of its own (mqtt.cert_file)",
    "bad certificate": "it does not accept our certificate: ask the city for one of its own (mqtt.cert_file)",
    "unsupported certificate": "our certificate is not one for a client: ask the city for one (mqtt.cert_file)",
    "decrypt error": "it does not accept our certificate: ask the city for one of its own (mqtt.cert_file)",
}
_UNTRUSTED = {  # OpenSSL's X509_V_ERR_…
    9: "is not valid yet: look at this machine's clock",
    10: "has expired: the city must renew it; or this machine's clock is wrong",
    62: "is for another name: write in mqtt.host the name it is for",
    64: "is for another address: write in mqtt.host the name it is for",
}


class UplinkError(TransientError):
    """`refused`: the broker does not want us, so asking again soon is of no use."""

    def __init__(self, message: str, *, refused: bool = False) -> None:
        super().__init__(message)
        self.refused = refused


def refused(host: str, reason: ReasonCode) -> UplinkError:
    """CONNACK with a reason code that means no."""
    remedy = _REFUSALS.get(reason.value, "it may pass")
    return UplinkError(f"the broker {host} refuses us: {reason}; {remedy}", refused=reason.value in _REFUSALS)


def lost(host: str, reason: ReasonCode) -> UplinkError | None:
    """DISCONNECT by the broker, where its reason has a remedy."""
    if reason.value not in _GOODBYES:
        return None
    remedy, final = _GOODBYES[reason.value]
    return UplinkError(f"the broker {host} ended the connection: {reason}; {remedy}", refused=final)


def alert(host: str, text: str) -> UplinkError | None:
    """The socket's error, where the broker's TLS said why it does not want us."""
    said = text.lower()
    for name, meaning in _ALERTS.items():
        if "alert" in said and name in said:
            return UplinkError(f"the broker {host} refuses our TLS: {meaning}", refused=True)
    return None


def untrusted(host: str, port: int, error: ssl.SSLCertVerificationError) -> UplinkError:
    """The certificate of the broker is not believed."""
    known = _UNTRUSTED.get(error.verify_code)
    why = known or f"is not one we trust ({error.verify_message}); set mqtt.ca_file"
    return UplinkError(f"the certificate of the broker {host}:{port} {why}", refused=True)
