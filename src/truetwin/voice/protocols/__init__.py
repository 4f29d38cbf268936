"""The protocols of paper B: choosing, replying, judging, annotating, and how a run plays them."""
