"""The log carried by Kafka: its records, the relay that fills a topic, and the broker for a machine that has none.

Nothing outside this package imports the client library. It is synchronous: it runs in threads of its own, never on an
event loop.
"""
