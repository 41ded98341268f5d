"""Examples of nothing: pure noise in the form of the data, to see whether a model can tell."""

import torch

from vael.data.batches import DeviceData
from vael.random import seeded

__all__ = ["make_noise"]


def make_noise(data: DeviceData, num_examples: int = 100, *, seed: int = 0) -> DeviceData:
    """Draw examples whose numbers are independent and uniform.

    Pixels are uniform over the levels of the file and then treated as the data are (rounded, drawn, …); a table's
    columns are uniform between their smallest and largest value, over the whole numbers where they are counts.

    Arguments:
        data: What the noise imitates.
        num_examples: How many to draw.
        seed: Seed of the draws.
    """
    raw, treatment = data.raw, data.treatment
    shape = (num_examples, *raw.shape[1:])
    with seeded(seed):
        if treatment.num_levels:
            noise = torch.randint(treatment.num_levels, shape, dtype=torch.uint8)
        else:
            low, high = raw.amin(0).cpu(), raw.amax(0).cpu()
            if treatment.domain == "counts":
                noise = (low + (high + 1 - low) * torch.rand(shape)).floor().minimum(high)
            else:
                noise = low + (high - low) * torch.rand(shape)
    return DeviceData(noise.to(raw.device), treatment)
