"""One process of several decides: its shards, what they write, what they hear, and who waits for news."""
