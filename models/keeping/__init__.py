"""Keeping and destroying: until when a document is kept and why, holds per case, the monthly list, and its certificate."""
