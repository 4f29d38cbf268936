"""Audit twins: what is wrong with their answers, source by source, each point by a stated test.

Every check compares twins with people over the same cells, and learns its error from leaving out groups of people.
"""
