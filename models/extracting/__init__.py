"""Reading the text of hostile files, in a process of its own with limits: see `__main__`.

Nothing here knows tables, words or the environment, as in `models.sheets`: it starts fast, holds no secrets, and may die
without harm. The other end of the pipe is `models.texts`.
"""
