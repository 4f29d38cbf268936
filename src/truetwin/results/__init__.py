"""Keep results on disk, with a record of how each was made and of which steps are done."""
