"""What the user sees: pure functions from a value of the management API and a `Look` to something Rich can print.

No view asks, waits or prints, and none says anything by colour alone. Text that came from outside passes `clean` first.
"""
