"""Statistics for items that share a persona: shares, paired tests and cluster-bootstrap intervals."""
