"""What the contacts of a day amount to: facts, figures and their explanations."""
