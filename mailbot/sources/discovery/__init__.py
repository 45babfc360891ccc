"""`mailbot discover`: from a database's schema and a few sampled rows to a proposed data map.

words (what names mean) → sampling (what a few rows show) → roles (column by column) → kinds (table
by table) → joins (who belongs to whom) → proposal (entries) → writing and merging (commented TOML).
Nothing that was sampled leaves the process: proposals hold names of tables and columns, shares,
and the look of customer numbers.
"""
