"""Laws: the predictive distribution of one respondent's answer to one item, from which everything else is read."""
