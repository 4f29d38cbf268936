"""Define the types that everything else works on: scales, items, answers, panels, targets."""

from truetwin.data.item import Item
from truetwin.data.panel import Panel
from truetwin.data.people import People
from truetwin.data.responses import ResponseMatrix
from truetwin.data.scale import Scale
from truetwin.data.target import Axis, Target

__all__ = ["Axis", "Item", "Panel", "People", "ResponseMatrix", "Scale", "Target"]
