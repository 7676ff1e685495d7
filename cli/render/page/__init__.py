"""The page: results to look at in a browser, as one file or served from the store."""
