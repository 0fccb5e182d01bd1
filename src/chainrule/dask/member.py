"""What runs on a worker: it holds the rows of its blocks, and takes the steps of an epoch with the others."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any

import numpy as np
from distributed import get_worker, secede
from distributed.core import Status
from numpy.typing import NDArray

from chainrule import _threads
from chainrule.dask.partitions import Part
from chainrule.dask.post import Cancelled, Office, PeerLost, Post
from chainrule.estimators.bound_model import BoundModel
from chainrule.estimators.streaming import Encoding
from chainrule.model.rows import Rows
from chainrule.stream.held_out import HeldOut
from chainrule.training.blocks import bounds_of, epoch_order, rows_before
from chainrule.training.exchange import TreeExchange, nodes_of
from chainrule.training.state import OptimizerState


@dataclass(frozen=True)
class Job:
    """What is the same for all workers and all epochs of a fit.

    Attributes
    ----------
    fit : str
        Its name.
    encoding : Encoding
        Of the rows; it knows the estimator, without its network.
    layers : list of int
        Widths, input and output included.
    dtype : dtype
    batch_size, n_steps : int
        Rows per step, at most, and steps per epoch.
    sizes : list of int
        Rows of each block.
    seed : int or None
        Of the orders; None takes the rows as they lie.
    held_out : HeldOut
    optimizer : OptimizerState
        Without memory.
    penalty : dict
    dropout_seed : int
    """

    fit: str
    encoding: Encoding
    layers: list[int]
    dtype: Any
    batch_size: int
    n_steps: int
    sizes: list[int]
    seed: int | None
    held_out: HeldOut
    optimizer: OptimizerState
    penalty: dict[str, Any]
    dropout_seed: int


@dataclass(frozen=True)
class Cut:
    """Rows of a partition that belong to a block: `begin` to `end` of those that are trained on."""

    block: int
    part: int
    begin: int
    end: int


@dataclass(frozen=True)
class State:
    """A network and its optimizer after some steps.

    Attributes
    ----------
    flat : ndarray of shape (n_parameters,)
    moments : list of ndarray
    losses : ndarray of shape (n,)
        Of the steps of this epoch so far.
    n_steps : int
        Of the whole training.
    last_loss : float
    """

    flat: NDArray[Any]
    moments: list[NDArray[Any]]
    losses: NDArray[np.float64]
    n_steps: int
    last_loss: float


@dataclass(frozen=True)
class Order:
    """An epoch, as the client orders it.

    Attributes
    ----------
    generation : int
        Counts who the members are.
    members : list of (str, list of int)
        Addresses and blocks.
    me : int
    epoch : int
    first : int
        Steps of the whole training before this epoch.
    version : int
        Counts the states that came from the client.
    learning_rate : float
    factors : ndarray or None
        Of the epoch's steps.
    state : State or None
        Where the epoch begins, for those who do not know this version; None: the workers know.
    """

    generation: int
    members: list[tuple[str, list[int]]]
    me: int
    epoch: int
    first: int
    version: int
    learning_rate: float
    factors: NDArray[np.float64] | None
    state: State | None


@dataclass(frozen=True)
class Report:
    """How it went.

    Attributes
    ----------
    what : str
        "done", "lost" (a peer), "no rows" (they are not here any more), "no state" or "cancelled".
    state : State or None
        Of the first member, where it is done.
    peer : str or None
        The address of who was lost.
    answers : bool
        Whether that worker is well.
    n_steps : int
        Of the whole training, so far.
    """

    what: str
    state: State | None = None
    peer: str | None = None
    answers: bool = False
    n_steps: int = -1


class Fit:
    """What a worker holds of a fit: a network, and the rows of its blocks."""

    def __init__(self, job: Job, n_threads: int) -> None:
        self.job = job
        self.lock = threading.Lock()
        self.bound: Any = BoundModel.made_for(job.encoding.mlp, job.layers, job.dtype)
        self.bound.n_threads = n_threads
        self.optimizer = job.optimizer
        self.optimizer.dropout_seed = job.dropout_seed
        self.blocks: list[int] = []
        self.rows: Rows | None = None
        self.data: Any = None
        self.losses = np.empty(0)
        self.version = 0  # of the client's state that this goes back to

    def hold(self, blocks: list[int], cuts: list[Cut], parts: dict[int, Part]) -> int:
        """Hold the rows of these blocks: those that are here already, and cuts of partitions."""
        job = self.job
        of_blocks: dict[int, list[Rows]] = {block: [] for block in blocks}
        begin = 0
        for block in self.blocks:
            size = job.sizes[block]
            if block in of_blocks:
                assert self.rows is not None
                of_blocks[block].append(_slice(self.rows, begin, begin + size))
            begin += size
        for cut in cuts:
            part = parts[cut.part].kept(job.held_out)
            x, y = part.x[cut.begin : cut.end].astype(job.dtype), part.y[cut.begin : cut.end]
            weight = None if part.sample_weight is None else part.sample_weight[cut.begin : cut.end].copy()
            of_blocks[cut.block].append(job.encoding(self.bound, x, y.copy(), weight))
        rows = [part for block in blocks for part in of_blocks[block]]
        weights = [part.sample_weight for part in rows if part.sample_weight is not None]
        self.rows = Rows(
            np.concatenate([part.x for part in rows]),
            np.concatenate([part.y for part in rows]),
            np.concatenate(weights) if weights else None,
        )
        self.blocks = list(blocks)
        self.data = self.rows.dataset(self.bound.model)
        return self.rows.n_samples

    def trainer(self, learning_rate: float) -> Any:
        """Return the engine's trainer, with its memory."""
        trainer = self.optimizer.trainer(self.bound, self.job.batch_size, self.job.penalty)
        self.optimizer.set_learning_rate(learning_rate)
        return trainer

    def set_state(self, trainer: Any, state: State, version: int) -> None:
        """Go on from a state."""
        self.bound.flat[:] = state.flat
        # arrays that came by letter may lie anywhere in memory; the engine wants them aligned
        trainer.state = [np.array(moment) for moment in state.moments or map(np.zeros_like, trainer.state)]
        trainer.n_steps, trainer.last_loss = state.n_steps, state.last_loss
        self.losses = np.array(state.losses)
        self.version = version

    def state(self, trainer: Any, first: int) -> State:
        """Return a copy of the state, in the epoch that began after step `first`."""
        losses = self.losses[: trainer.n_steps - first].copy()
        return State(self.bound.flat.copy(), trainer.state, losses, trainer.n_steps, trainer.last_loss)


def hold(job: Job, blocks: list[int], cuts: list[Cut], numbers: list[int], parts: list[Part]) -> int:
    """Hold rows of blocks on this worker, for as long as anybody keeps this task's future.

    Parameters
    ----------
    job : Job
    blocks : list of int
        All that this worker is to hold.
    cuts : list of Cut
        What makes up those that it does not hold yet.
    numbers : list of int
        Of the partitions that they are cut from.
    parts : list of Part
        These partitions.

    Returns
    -------
    n_rows : int
    """
    worker, office = get_worker(), Office.here()
    key = str(worker.get_current_task())
    fit = office.fits.get(job.fit)
    if fit is None:
        n_threads = int(job.encoding.mlp.n_threads or worker.state.nthreads)
        fit = office.fits[job.fit] = Fit(job, n_threads)
    office.keep(job.fit, key)
    with fit.lock:
        n_rows: int = fit.hold(blocks, cuts, dict(zip(numbers, parts, strict=True)))
        return n_rows


def train(fit_name: str, order: Order) -> Report:
    """Take the steps of an epoch with the other members, or those that are left of it."""
    worker, office = get_worker(), Office.here()
    key = worker.get_current_task()
    secede()  # waits for others, so it must not keep them from a thread

    def wanted() -> bool:
        task = worker.state.tasks.get(key)
        going = worker.status in (Status.running, Status.paused, Status.closing_gracefully)
        return going and task is not None and task.state in ("executing", "long-running")

    while True:
        fit = office.fits.get(fit_name)
        if fit is None or fit.blocks != order.members[order.me][1]:
            return Report("no rows")
        if fit.lock.acquire(timeout=0.2):  # the last generation may have to finish a step
            break
        if not wanted():
            return Report("cancelled")
    try:
        addresses = [address for address, _ in order.members]
        office.begin(fit_name, order.generation)
        post = Post(office, fit_name, order.generation, addresses, order.me, wanted)
        with _threads.training():
            return _train(fit, order, post)
    finally:
        fit.lock.release()


def _train(fit: Fit, order: Order, post: Post) -> Report:
    job, first, me = fit.job, order.first, order.me
    trainer = fit.trainer(order.learning_rate)
    if order.state is not None and fit.version != order.version:
        fit.set_state(trainer, order.state, order.version)
    try:
        if not _agree(fit, trainer, order, post):
            return Report("no state")
        done = trainer.n_steps - first
        if done < job.n_steps:
            own = order.members[me][1]
            before = rows_before(job.sizes, job.n_steps)
            before[:, [block for block in range(len(job.sizes)) if block not in own]] = 0
            bounds = bounds_of(before)
            sizes = [size if block in own else 0 for block, size in enumerate(job.sizes)]
            nodes = [nodes_of(blocks, len(job.sizes)) for _, blocks in order.members]
            trainer.steps(
                fit.data,
                epoch_order(sizes, before, bounds, job.seed, order.epoch),
                np.ascontiguousarray(bounds[done * len(sizes) :]),
                factors=None if order.factors is None else np.array(order.factors[done:]),
                losses=fit.losses[done:],
                nodes=nodes[me],
                exchange=TreeExchange(post, nodes, me, len(sizes)),
            )
    except PeerLost as lost:
        return Report("lost", peer=lost.address, answers=lost.answers, n_steps=trainer.n_steps)
    except Cancelled:
        return Report("cancelled", n_steps=trainer.n_steps)
    return Report("done", fit.state(trainer, first) if me == 0 else None, n_steps=trainer.n_steps)


def _agree(fit: Fit, trainer: Any, order: Order, post: Post) -> bool:
    """Go on from the last step that any member took, all from the same; False where nobody knows one."""
    first, n_steps = order.first, fit.job.n_steps
    known = fit.version == order.version and first <= trainer.n_steps <= first + n_steps
    at = trainer.n_steps if known else -1
    others = [member for member in range(len(order.members)) if member != order.me]
    told = post.exchange("at", dict.fromkeys(others, (np.array([at]),)), others)
    positions = {order.me: at} | {member: int(array[0]) for member, (array,) in told.items()}
    best = max(positions.values())
    if best < 0:
        return False
    knows = min(member for member, position in positions.items() if position == best)
    behind = [member for member, position in positions.items() if position < best]
    if order.me == knows and behind:
        state = fit.state(trainer, first)
        numbers = np.array([state.n_steps, state.last_loss])
        arrays = [numbers, state.losses, state.flat, *state.moments]
        post.exchange("state", dict.fromkeys(behind, arrays), [])
    elif order.me in behind:
        numbers, losses, flat, *moments = post.exchange("state", {}, [knows])[knows]
        state = State(flat, moments, losses, int(numbers[0]), float(numbers[1]))
        fit.set_state(trainer, state, order.version)
    room = np.zeros(n_steps)
    done = trainer.n_steps - first
    room[:done] = fit.losses[:done]
    fit.losses = room
    return True


def _slice(rows: Rows, begin: int, end: int) -> Rows:
    weight = None if rows.sample_weight is None else rows.sample_weight[begin:end]
    return rows._replace(x=rows.x[begin:end], y=rows.y[begin:end], sample_weight=weight)
