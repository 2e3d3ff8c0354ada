"""The units, judged by systemd itself."""
