"""Which items belong together; see :mod:`truetwin.data.blocks`."""

from truetwin.data.blocks import check_blocks, infer_blocks

__all__ = ["check_blocks", "infer_blocks"]
