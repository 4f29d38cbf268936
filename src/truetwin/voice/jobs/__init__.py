"""The jobs of `truetwin voice`, done as their settings say."""
