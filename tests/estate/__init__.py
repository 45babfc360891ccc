"""A generated company estate with planted truth: who owns which row, by the norms of matching."""
