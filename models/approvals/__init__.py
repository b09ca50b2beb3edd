"""Approvals (accordering): what is asked for approval, by whom, in which steps, and the proof of it."""
