"""Reading of hostile spreadsheet files, in a process of its own with limits: see `__main__`.

Nothing here knows tables, words or the environment: it starts in 50 ms, holds no secrets, and may die without harm. The
other end of the pipe, which knows the words, is `models.imports.sheet`.
"""
