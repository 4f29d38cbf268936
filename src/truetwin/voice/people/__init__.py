"""Run studies with human raters: blinded samples, forms, annotators' files, agreement."""
