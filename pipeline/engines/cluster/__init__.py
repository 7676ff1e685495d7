"""The engine for Dask clusters: addresses, the client, what is shipped, the dashboard."""
