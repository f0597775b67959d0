"""The wire formats: bytes to canonical values and back. Pure: no I/O, no clock, no provider's name."""
