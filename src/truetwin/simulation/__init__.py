"""Making twins' answers: personas in, survey items in, a table of answers out."""
