"""TensorBoard: the history as scalars for TensorBoard."""

from __future__ import annotations

import math
import os
from typing import TYPE_CHECKING, Any

from cutedl import checks
from cutedl.errors import MissingLibraryError
from cutedl.listeners.epoch_log import row_of
from cutedl.listeners.listener import Listener

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["TensorBoard"]


class TensorBoard(Listener):
    """Writes every column of the history as a scalar per epoch, under the column's name.

    log_dir: the folder of the run. Needs tensorboardX, the extra [tensorboard]; see the curves with
    `tensorboard --logdir <log_dir>`.
    Raises MissingLibraryError without it, OSError before the first epoch if the folder cannot be written.
    """

    speaks = True

    def __init__(self, log_dir: str | os.PathLike[str]):
        self.log_dir = checks.path("log_dir", log_dir)
        self._writer: Any = None
        try:
            import tensorboardX  # noqa: F401
        except ImportError:
            raise MissingLibraryError(
                "TensorBoard needs tensorboardX.", hint='pip install "cutedl[tensorboard]", or pip install tensorboardX'
            ) from None

    def on_fit_start(self, session: Session) -> None:
        """Open a file of events in the folder."""
        from tensorboardX import SummaryWriter

        # Its own thread writes: within a second, where flush() would miss what still waits in its queue.
        self._writer = SummaryWriter(self.log_dir, flush_secs=1)

    def on_epoch_end(self, session: Session) -> None:
        """Write the epoch's numbers; a viewer finds them a second later."""
        for key, value in row_of(session.history, session.epoch).items():
            if key != "epoch" and isinstance(value, int | float) and not math.isnan(value):
                self._writer.add_scalar(key, value, session.epoch)

    def on_fit_end(self, session: Session) -> None:
        """Close the file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
