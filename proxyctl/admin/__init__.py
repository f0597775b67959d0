"""The management API as typed values, shared by the gateway, the command and the dashboard."""
