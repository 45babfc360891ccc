"""The steps of a matter, one file each. A step takes a Context and returns a Move, Wait or Act."""
