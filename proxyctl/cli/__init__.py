"""The command `proxyctl`: asks the daemon through `client`, shows what it said. It never imports the server.

Modules are imported when their command runs; the help of the whole tree needs `app.py` alone.
"""
