"""Certifying: what an office keeps and hands out of an approval that is complete: a sealed certificate, filed, and its proof."""
