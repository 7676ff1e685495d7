"""The database: schema, types, connections, faults and upgrades."""
