"""What a street says to itself: notices, offers and wants, members and the nodes it lets in. Pure."""
