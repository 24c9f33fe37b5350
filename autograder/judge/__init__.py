"""The trusted side: draws the cases, holds the references, compares bytes and writes the ledger. Never runs student code."""
