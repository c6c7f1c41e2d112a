"""Saving: a session in a file, and back, so that training goes on as if it had never stopped."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cutedl import checkpoint, checks, registry, saved_model
from cutedl.checkpoint import Saved
from cutedl.errors import (
    CheckpointError,
    CheckpointMismatchError,
    CheckpointReadError,
    CheckpointTooLargeError,
    InputWarning,
)
from cutedl.model import Model
from cutedl.ranks import Alone
from cutedl.saved_model import Custom

if TYPE_CHECKING:
    from cutedl.session import Session

__all__ = ["latest_session", "load_session", "place", "resume", "save_session"]

# Metrics take memory when they are made: so many stay within what reading a file promises.
_METRICS = 100


def save_session(session: Session, path: str | os.PathLike[str], keep: int = 0) -> None:
    """Write everything that training needs to go on: model, loss, optimizer, metrics, history, place in the epoch."""
    model = session.model
    if len(session.metrics) > _METRICS:
        raise CheckpointTooLargeError("too many metrics.", path=path, expected=_METRICS, received=len(session.metrics))
    state = {
        "kind": "session",
        "model": saved_model.model_state(model),
        **(model.arena.state() if model.assembled else {}),
        "loss": {"made": registry.describe(session.loss), "state": session.loss.state()},
        "optimizer": {"made": registry.describe(session.optimizer), "state": session.optimizer.state()},
        "metrics": registry.describe(session.metrics),
        "history": session.history.state(),
        "session": session.state(),
    }
    manifest = saved_model.manifest(session.seed, epoch=session.epoch, data=session.history.info.get("data"))
    checkpoint.write(path, state, manifest, checks.integer("keep", keep, low=0))


def place(session: Session, listeners: dict[str, Any]) -> dict[str, Any]:
    """Return where training stands, beside the states of model, loss, optimizer and history."""
    return {
        "seed": session.seed,
        "epoch": session.epoch,
        "under_way": session.under_way,
        "batches": session.batches,
        "samples": session.samples,
        "running": session.running.state(),
        "metrics": {str(i): metric.state() for i, metric in enumerate(session.metrics)},
        "best_epoch": session.best_epoch,
        "listeners": listeners,
    }


def resume(session: Session, state: dict[str, Any]) -> None:
    """Go on from a place."""
    session.seed, session.epoch, session.best_epoch = state["seed"], state["epoch"], state["best_epoch"]
    session.batches, session.samples = state["batches"], state["samples"]
    session.under_way = state["under_way"]
    session.running.restore(state["running"])
    for i, metric in enumerate(session.metrics):
        metric.restore(state["metrics"][str(i)])
    session.heard = state["listeners"]


def load_session(
    kind: type[Session], path: str | os.PathLike[str], custom: Custom = (), comm: Alone | None = None
) -> Session:
    """Return a saved session; kind: the class that it becomes."""
    return _revive(kind, path, checkpoint.read(path), custom, comm)


def latest_session(
    kind: type[Session], folder: str | os.PathLike[str], custom: Custom = (), comm: Alone | None = None
) -> Session:
    """Return the session that was saved last in a folder, of those whose files verify.

    An InputWarning names younger files that do not. Raises CheckpointError where no file does.
    """
    passed: list[CheckpointError] = []
    for path in _youngest_first(folder):
        try:
            saved = checkpoint.read(path)
        except CheckpointError as error:
            passed.append(error)
            continue
        if saved.state.get("kind") == "session":
            if passed:
                told = "; ".join(map(str, passed))
                warnings.warn(f"{path} is loaded, younger files cannot be: {told}", InputWarning, stacklevel=3)
            return _revive(kind, path, saved, custom, comm)
    raise CheckpointError(
        "there is no session to load.",
        path=folder,
        expected="a *.safetensors file that Session.save wrote",
        received="; ".join(map(str, passed)) or "none",
    )


def _revive(
    kind: type[Session], path: str | os.PathLike[str], saved: Saved, custom: Custom, comm: Alone | None
) -> Session:
    with checkpoint.reading(path):
        state = saved.state
        if state.get("kind") != "session":
            raise CheckpointMismatchError(
                "this file holds no session.",
                expected="what Session.save wrote",
                received=f"a {state.get('kind')}",
                hint="Model.load takes a model.",
            )
        if len(state["metrics"]) > _METRICS:
            raise CheckpointTooLargeError("too many metrics.", expected=_METRICS, received=len(state["metrics"]))
        for name in ("epoch", "batches", "samples"):
            checks.integer(name, state["session"][name], low=0)
        parts: dict[str, Any] = {part: registry.build(state[part]["made"], custom) for part in ("loss", "optimizer")}
        model = Model(registry.build(state["model"]["layers"], custom))
        metrics = registry.build(state["metrics"], custom)
        session = kind(model, **parts, metrics=metrics, seed=state["session"]["seed"], comm=comm)
        if "values" in state:
            saved_model.rebuild(model, state, session.loss)
            session.optimizer.restore(state["optimizer"]["state"], model.arena)
        session.loss.restore(state["loss"]["state"])
        session.history.restore(state["history"])
        session.restore(state["session"])
        return session


def _youngest_first(folder: str | os.PathLike[str]) -> list[Path]:
    try:
        ages = [(path.stat().st_mtime_ns, path) for path in Path(folder).iterdir() if path.suffix == ".safetensors"]
    except OSError as error:
        raise CheckpointReadError(f"this folder cannot be read: {error.strerror}.", path=folder) from error
    return [path for _, path in sorted(ages, reverse=True)]
