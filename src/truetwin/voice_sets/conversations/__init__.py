"""Items from posts and replies: the PCCD filters of paper B, section 4.1, with and without their shortcut."""
