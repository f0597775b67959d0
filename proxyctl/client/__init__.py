"""The daemon's client: typed calls of the management API, its event streams, and one chat call to try a setup.

Written over `http.client`: a command that shows a table must not spend its time importing an HTTP library.
"""
