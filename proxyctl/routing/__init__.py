"""Which provider serves a request, in which order, and what a failure means. Pure: time and state are handed in."""
