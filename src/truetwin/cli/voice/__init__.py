"""`truetwin voice`: one thin module a verb."""
