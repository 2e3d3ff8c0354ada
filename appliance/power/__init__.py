"""The battery of a node: what is in it, for how long, and what the node leaves out so that it is never cut off.

    sensor (ina, vedirect) → Reading → Charge (counted) → Ladder (steps) → what the rest of the node does
                                     → Outlook (hours left)

Everything but the two sensors is pure: seconds passed are an argument, so a year runs in a second.
"""
