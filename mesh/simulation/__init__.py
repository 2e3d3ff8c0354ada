"""Whole neighbourhoods in one process: the real engine and codec, a modelled radio, a virtual clock.

Nothing here looks at a clock or rolls dice of its own: one seed decides everything, so one seed gives one outcome.
"""
