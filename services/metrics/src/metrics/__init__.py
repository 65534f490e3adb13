"""What the contacts of a day amount to: facts, figures and their explanations."""

import os

# Polars reads this when it is first imported. A fold is made while the one before is written, so the database has the
# other core, and threads that wait for each other on small frames cost more than they give. Larger machines may say so.
os.environ.setdefault("POLARS_MAX_THREADS", "1")
