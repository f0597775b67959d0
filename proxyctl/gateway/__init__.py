"""The ASGI application: takes a request in one dialect, carries it to a provider, and tells what became of it."""
