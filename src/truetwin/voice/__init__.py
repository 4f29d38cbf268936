"""Test how well a model speaks as one given person (paper B): items, protocols, scores, audits.

A *persona* is the person to be played. An *item* is something that was said to that person (the stimulus), the reply
that the person gave, and three other replies (distractors). A *protocol* is a way to test a model on items.
"""
