"""From a novel to benchmark items: quotations, speakers, scenes (paper B, section 4.1, narrative persona)."""
