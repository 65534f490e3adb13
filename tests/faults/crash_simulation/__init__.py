"""Crashes at every step, by the thousand: the product's relay and reader of topics over a model of broker and database.

A seed decides everything: who goes on next, what is lost on the way, who dies where. Time is made up, so that a minute
of it costs nothing, and a seed that fails fails again.
"""
