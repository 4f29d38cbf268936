"""Reach a model: endpoints, gateways, scripts, and how their failures are read."""
