"""The name of this firmware's release, as every boot says it."""

RELEASE = "0.1.0"
