"""Where neighbours are served: each desk is a part of the node that answers for one noun. All stand on the one door."""
