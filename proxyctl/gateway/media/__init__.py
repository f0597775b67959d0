"""Pictures and documents that a request names by address, for targets that take only bytes."""
