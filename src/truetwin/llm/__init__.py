"""Ask language models: requests, replies, tasks, and runs that are stored and can be continued."""

from truetwin.llm.messages import Cell, Message, Reply, Request, Sampling, Usage
from truetwin.llm.providers.connection import ModelOptions
from truetwin.llm.providers.model_names import engines, models, open_model
from truetwin.llm.providers.scripted import ScriptedModel, read_scripted_model, scripted_model
from truetwin.llm.running.budget import Caps, estimated_tokens
from truetwin.llm.running.context_limit import check_context
from truetwin.llm.running.forecast import PilotForecast, run_pilot
from truetwin.llm.running.pricing import Estimate, Prices, estimate_total, read_prices
from truetwin.llm.running.run_options import RunOptions
from truetwin.llm.running.run_progress import Progress, RunSummary
from truetwin.llm.running.runner import run, run_async
from truetwin.llm.running.shards import Shard
from truetwin.llm.store.run_file import RunFile
from truetwin.llm.store.run_store import Store
from truetwin.llm.store.stored_call import OPEN_STATES, StoredCall
from truetwin.llm.store.totals import Totals
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
