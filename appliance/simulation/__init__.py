"""What the simulator of `mesh.simulation` needs from this house: scenario files, payments to write, and plain words."""
