"""Verbs of `truetwin voice`, with one module for each verb."""
