"""Build personas from people's answers, without the items that are to be asked."""
