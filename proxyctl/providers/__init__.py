"""The providers: one file each, facts first."""
