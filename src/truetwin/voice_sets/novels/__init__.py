"""Build narrative items from novels: quotations, speakers, scenes (paper B, section 4.1)."""
