"""What Poort knows and may do: tables, scopes, operations and their rules. Knows nothing of requests, HTML or networks."""
