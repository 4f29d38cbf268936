"""Play the protocols of paper B: choosing, replying, judging, annotating."""
