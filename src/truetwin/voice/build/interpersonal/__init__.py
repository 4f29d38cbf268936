"""Items from messages in several channels: the funnel of paper B, section 4.1, without its shortcuts."""
