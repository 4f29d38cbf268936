"""Ask twins a whole survey, and turn the stored run into a table of answers."""
