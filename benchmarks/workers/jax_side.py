"""JAX in its fastest honest form: the whole epoch is one compiled function.

A `lax.scan` over the epoch's full batches, then the short last batch; uint8 images stay on the device and are gathered
by a fresh permutation inside; both heads of the encoder are one product; optax's Adam; the state is donated.
"""

import os
from functools import partial
from typing import Any, NamedTuple

import jax  # pyright: ignore[reportMissingImports]
import jaxlib  # pyright: ignore[reportMissingImports]
import optax  # pyright: ignore[reportMissingImports]
from architectures import BASIC
from images import read_mnist
from jax import lax, nn, random  # pyright: ignore[reportMissingImports]
from jax import numpy as jnp  # pyright: ignore[reportMissingImports]
from protocol import Options, Side, serve


class State(NamedTuple):
    """What an epoch changes."""

    params: Any
    moments: Any
    key: Any


class JaxSide(Side):
    """One call of a compiled function per epoch, compiled ahead of the first."""

    images = BASIC.train_images

    def __init__(self, options: Options) -> None:
        if options.network != "basic":
            raise ValueError(f"this side has the network 'basic' only, not {options.network!r}")
        _limit_threads(options.threads)
        jax.config.update("jax_default_prng_impl", "rbg")  # the fastest of JAX's generators
        train, test = (read_mnist(options.data_root, split) for split in ("train", "test"))
        self.train = jnp.asarray(train.reshape(-1, BASIC.in_features))
        self.test = jnp.asarray(test.reshape(-1, BASIC.in_features))
        init_key, key = random.split(random.key(options.seed))
        params = initial_params(init_key)
        self.state = State(params, _adam().init(params), key)
        self.epoch = jax.jit(train_one_epoch, donate_argnums=(0,)).lower(self.state, self.train).compile()

    def train_epoch(self) -> float:
        self.state, loss = self.epoch(self.state, self.train)
        return float(loss)

    def test_loss(self) -> float:
        eps = random.normal(random.key(1), (BASIC.test_images, BASIC.latent_dim))
        return float(jax.jit(mean_loss)(self.state.params, _as_grey(self.test), eps))

    def describe(self) -> dict[str, str]:
        versions = {"jax": jax.__version__, "jaxlib": jaxlib.__version__, "optax": optax.__version__}
        return {**versions, "threads": str(len(os.sched_getaffinity(0))), "precision": "float32"}


def initial_params(key: Any) -> dict[str, tuple[Any, Any]]:
    """Draw weights (in, out) and biases uniformly within ±1/√in, as torch's linear layers do."""
    sizes = {
        "hidden": (BASIC.in_features, BASIC.hidden_features),
        "heads": (BASIC.hidden_features, 2 * BASIC.latent_dim),
        "back": (BASIC.latent_dim, BASIC.hidden_features),
        "pixels": (BASIC.hidden_features, BASIC.in_features),
    }
    params = {}
    for layer_key, (name, (few, many)) in zip(random.split(key, len(sizes)), sizes.items(), strict=True):
        weight_key, bias_key = random.split(layer_key)
        bound = few**-0.5
        weight = random.uniform(weight_key, (few, many), minval=-bound, maxval=bound)
        params[name] = (weight, random.uniform(bias_key, (many,), minval=-bound, maxval=bound))
    return params


def mean_loss(params: Any, x: Any, eps: Any) -> Any:
    """Return cross-entropy + rate per image, with one posterior sample."""

    def dense(name: str, inputs: Any) -> Any:
        weight, bias = params[name]
        return inputs @ weight + bias

    mu, log_var = jnp.split(dense("heads", nn.relu(dense("hidden", x))), 2, axis=-1)
    z = mu + jnp.exp(0.5 * log_var) * eps
    logits = dense("pixels", nn.relu(dense("back", z)))
    cross_entropy = jnp.sum(nn.softplus(logits) - logits * x)
    rate = -0.5 * jnp.sum(1 + log_var - mu**2 - jnp.exp(log_var))
    return (cross_entropy + rate) / x.shape[0]


def train_one_epoch(state: State, images: Any) -> tuple[State, Any]:
    """Visit every image once in a fresh order; return the new state and the mean loss per image."""
    key, order_key, noise_key = random.split(state.key, 3)
    count, batch = len(images), BASIC.batch_size
    full = count // batch * batch
    order = random.permutation(order_key, count)
    eps = random.normal(noise_key, (count, BASIC.latent_dim))
    batches = (order[:full].reshape(-1, batch), eps[:full].reshape(-1, batch, BASIC.latent_dim))
    step = partial(train_one_step, images)
    carry, losses = lax.scan(step, (state.params, state.moments), batches)
    (params, moments), last_loss = step(carry, (order[full:], eps[full:]))
    return State(params, moments, key), (losses.sum() + last_loss) / count


def train_one_step(images: Any, carry: tuple[Any, Any], batch: tuple[Any, Any]) -> tuple[tuple[Any, Any], Any]:
    """Gather one batch, take one Adam step, and return the batch's summed loss."""
    (params, moments), (indices, eps) = carry, batch
    loss, gradients = jax.value_and_grad(mean_loss)(params, _as_grey(images[indices]), eps)
    updates, moments = _adam().update(gradients, moments, params)
    return (optax.apply_updates(params, updates), moments), loss * len(indices)


def _adam() -> Any:
    return optax.adam(BASIC.learning_rate)


def _as_grey(images: Any) -> Any:
    return images.astype("float32") / 255


def _limit_threads(threads: int) -> None:
    """Confine the process to `threads` processors: XLA counts them when its first array is made."""
    allowed = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, allowed[:threads])


if __name__ == "__main__":
    serve(JaxSide)
