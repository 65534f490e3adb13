"""Crashes at every step, by the thousand: the product's relay, reader of topics and routing over models of the rest.

A seed decides everything: who goes on next, what is lost on the way, who dies where. Time is made up, so that a minute
of it costs nothing, and a seed that fails fails again.
"""
