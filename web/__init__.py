"""What the browser talks to: addresses, parsing, and choosing the reply."""
