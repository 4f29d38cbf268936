"""Turn an item into a question: which answers it offers, in which order, under which codes."""
