"""PIN letters: a batch as one PDF, from who gets one to what was posted and what came back."""
