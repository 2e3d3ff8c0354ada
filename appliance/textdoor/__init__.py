"""The door for people who have only a Meshtastic phone app: what they text is read here, and what they read is written here.

Pure: no store, no radio, no clock. Who they are and what they may do is the node's to decide (`appliance/desks/phones.py`).
"""
