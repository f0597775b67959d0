"""What happened and what it cost: counters, prices, records. Nothing here is awaited on the request path."""
