"""Mutual credit: who owes whom, in units a commons declares. Pure: no clock, no SQL, no sockets."""
