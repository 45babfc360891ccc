"""One file per version; its number also stands in `schema.REVISIONS`."""
