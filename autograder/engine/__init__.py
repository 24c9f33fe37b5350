"""From a job to a result, for one submission or many, and the store of ledgers."""
