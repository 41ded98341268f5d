"""The tutorials' own way: one worker process converts image by image, plain Adam, the loss read back at each step."""

import torch
import torch.nn.functional as F
from architectures import BASIC
from images import read_mnist
from PIL import Image
from protocol import Options, Side, serve
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset


class PerImageMnist(Dataset[tuple[Tensor, int]]):
    """MNIST item by item: array → PIL image → float tensor (1, 28, 28) in [0, 1], as image transforms do it."""

    def __init__(self, images: Tensor) -> None:
        self.images = images

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        picture = Image.fromarray(self.images[index].numpy())
        return to_tensor(picture), 0


def to_tensor(picture: Image.Image) -> Tensor:
    """Copy a grey picture's bytes to (H, W, C), turn to (C, H, W), convert to float and divide by 255."""
    width, height = picture.size
    pixels = torch.frombuffer(bytearray(picture.tobytes()), dtype=torch.uint8)
    return pixels.view(height, width, 1).permute(2, 0, 1).contiguous().to(torch.get_default_dtype()).div(255)


class DenseVae(nn.Module):
    """784-400-20-400-784 with sigmoid outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.hidden = nn.Linear(BASIC.in_features, BASIC.hidden_features)
        self.mu = nn.Linear(BASIC.hidden_features, BASIC.latent_dim)
        self.log_var = nn.Linear(BASIC.hidden_features, BASIC.latent_dim)
        self.back = nn.Linear(BASIC.latent_dim, BASIC.hidden_features)
        self.pixels = nn.Linear(BASIC.hidden_features, BASIC.in_features)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        h = F.relu(self.hidden(x))
        mu, log_var = self.mu(h), self.log_var(h)
        std = torch.exp(0.5 * log_var)
        z = mu + torch.randn_like(std) * std
        return torch.sigmoid(self.pixels(F.relu(self.back(z)))), mu, log_var


class TutorialSide(Side):
    """A loader with one worker process and a loop that reads the loss back at each step."""

    images = BASIC.train_images

    def __init__(self, options: Options) -> None:
        if options.network != "basic":
            raise ValueError(f"this side has the network 'basic' only, not {options.network!r}")
        torch.manual_seed(options.seed)
        torch.set_num_threads(options.threads)
        train, test = (torch.from_numpy(read_mnist(options.data_root, split)) for split in ("train", "test"))
        self.train_loader = DataLoader(PerImageMnist(train), BASIC.batch_size, shuffle=True, num_workers=1)
        self.test_loader = DataLoader(PerImageMnist(test), BASIC.batch_size, num_workers=1)
        self.model = DenseVae()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=BASIC.learning_rate)

    def train_epoch(self) -> float:
        self.model.train()
        total = 0.0
        for x, _ in self.train_loader:
            self.optimizer.zero_grad()
            loss = self._summed_loss(x.view(-1, BASIC.in_features))
            loss.backward()
            total += loss.item()
            self.optimizer.step()
        return total / self.images

    @torch.no_grad()
    def test_loss(self) -> float:
        self.model.eval()
        total = sum(self._summed_loss(x.view(-1, BASIC.in_features)).item() for x, _ in self.test_loader)
        return total / BASIC.test_images

    def describe(self) -> dict[str, str]:
        return {"torch": torch.__version__, "threads": str(torch.get_num_threads()), "precision": "float32"}

    def _summed_loss(self, x: Tensor) -> Tensor:
        p, mu, log_var = self.model(x)
        rate = -0.5 * torch.sum(1 + log_var - mu.pow(2) - log_var.exp())
        return F.binary_cross_entropy(p, x, reduction="sum") + rate


if __name__ == "__main__":
    serve(TutorialSide)
