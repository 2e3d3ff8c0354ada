"""From a blank card to a first boot."""
