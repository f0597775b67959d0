"""The commands, a module for each family. A command asks, then shows; what it needs is imported when it runs."""
