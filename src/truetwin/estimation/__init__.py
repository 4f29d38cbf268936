"""Estimate population quantities of new items, with errors that respect weights and clusters."""
