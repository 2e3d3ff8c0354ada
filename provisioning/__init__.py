"""From a blank card to a first boot: the seed a keeper writes, the card it is written to, the paper that goes with it."""
