"""The words of the gateway as values: conversations, stream events, usage, exchanges, errors. No I/O, no dialect."""
