"""The facts that figures count, as rows: where reports find them in SQL, and how a fold of events gives the same."""
