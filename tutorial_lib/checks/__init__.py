"""What the cell below an exercise calls: one file a chapter, one function an exercise.

A check looks at what the learner wrote and prints "Correct." or "Not yet.", with a hint. It tries
the idea and not only an example, so that an answer that a learner may well give without having
understood does not pass (tests/checks holds such answers). The book's own solutions pass.
"""
