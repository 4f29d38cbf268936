"""Contrasts of experiments: effects of people and twins, calibrated at the level of effects."""
