"""Language models behind one seam: requests, replies, and what a run asks for."""

from truetwin.llm.budget import Caps, estimated_tokens
from truetwin.llm.connection import ModelOptions
from truetwin.llm.context import check_context
from truetwin.llm.forecast import PilotForecast, run_pilot
from truetwin.llm.messages import Cell, Message, Reply, Request, Sampling, Usage
from truetwin.llm.models import engines, models, open_model
from truetwin.llm.options import RunOptions
from truetwin.llm.pricing import Estimate, Prices, estimate_total, read_prices
from truetwin.llm.progress import Progress, RunSummary
from truetwin.llm.run_file import RunFile, Totals
from truetwin.llm.runner import run, run_async
from truetwin.llm.scripted import ScriptedModel, read_scripted_model, scripted_model
from truetwin.llm.shards import Shard
from truetwin.llm.store import Store
from truetwin.llm.stored import OPEN_STATES, StoredCall
from truetwin.llm.task import ChatModel, Parsed, PartOfTask, State, Task

__all__ = [
    "OPEN_STATES",
    "Caps",
    "Cell",
    "ChatModel",
    "Estimate",
    "Message",
    "ModelOptions",
    "Parsed",
    "PartOfTask",
    "PilotForecast",
    "Prices",
    "Progress",
    "Reply",
    "Request",
    "RunFile",
    "RunOptions",
    "RunSummary",
    "Sampling",
    "ScriptedModel",
    "Shard",
    "State",
    "Store",
    "StoredCall",
    "Task",
    "Totals",
    "Usage",
    "check_context",
    "engines",
    "estimate_total",
    "estimated_tokens",
    "models",
    "open_model",
    "read_prices",
    "read_scripted_model",
    "run",
    "run_async",
    "run_pilot",
    "scripted_model",
]
