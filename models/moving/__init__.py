"""A dossier leaves as one archive, and comes back: into another installation, equal."""
