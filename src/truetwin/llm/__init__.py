"""Language models behind one seam: requests, replies, and what a run asks for."""

from truetwin.llm.messages import Cell, Message, Reply, Request, Sampling, Usage
from truetwin.llm.task import ChatModel, Parsed, State, Task

__all__ = [
    "Cell",
    "ChatModel",
    "Message",
    "Parsed",
    "Reply",
    "Request",
    "Sampling",
    "State",
    "Task",
    "Usage",
]
