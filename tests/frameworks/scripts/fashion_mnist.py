"""A convolutional net on Fashion-MNIST, as in W&B's quickstart: configuration, watch, log, images."""

import argparse
import gzip
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
import wandb
from torch import nn

DATA = Path("/usr/share/datasets/fashion-mnist")
CLASSES = ["T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Boot"]


def load(kind, count):
    with gzip.open(DATA / f"{kind}-images-idx3-ubyte.gz") as file:
        images = np.frombuffer(file.read(16 + count * 784), np.uint8, offset=16).reshape(-1, 1, 28, 28)
    with gzip.open(DATA / f"{kind}-labels-idx1-ubyte.gz") as file:
        labels = np.frombuffer(file.read(8 + count), np.uint8, offset=8)
    return torch.tensor(images / 255.0, dtype=torch.float32), torch.tensor(labels, dtype=torch.int64)


class ConvNet(nn.Module):
    def __init__(self, channels, hidden, dropout):
        super().__init__()
        self.first = nn.Conv2d(1, channels, 3, padding=1)
        self.second = nn.Conv2d(channels, channels * 2, 3, padding=1)
        self.dropout = nn.Dropout(dropout)
        self.hidden = nn.Linear(channels * 2 * 49, hidden)
        self.out = nn.Linear(hidden, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.first(x)), 2)
        x = F.max_pool2d(F.relu(self.second(x)), 2)
        return self.out(self.dropout(F.relu(self.hidden(x.flatten(1)))))


def evaluate(model, images, labels):
    model.eval()
    with torch.no_grad():
        scores = model(images)
    return F.cross_entropy(scores, labels), (scores.argmax(1) == labels).float().mean(), scores


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--lr", type=float, default=0.01)
    parser.add_argument("--batch_size", type=int, default=64)
    parser.add_argument("--dropout", type=float, default=0.2)
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()

    wandb.login()
    run = wandb.init(project="fashion-mnist", config=args, tags=["convnet"], job_type="train")
    config = wandb.config
    torch.manual_seed(config.seed)
    images, labels = load("train", 3_000)
    held_images, held_labels = load("t10k", 500)

    model = ConvNet(8, 32, config.dropout)
    wandb.watch(model, log="all", log_freq=10)
    wandb.define_metric("val_acc", summary="max")
    optimizer = torch.optim.SGD(model.parameters(), lr=config.lr, momentum=0.9)
    for epoch in range(config.epochs):
        model.train()
        order = torch.randperm(len(images))
        for batch, index in enumerate(order.split(config.batch_size)):
            loss = F.cross_entropy(model(images[index]), labels[index])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            if batch % 10 == 0:
                wandb.log({"batch_loss": loss})
        val_loss, val_acc, scores = evaluate(model, held_images, held_labels)
        wandb.log({"epoch": epoch, "loss": loss.item(), "val_loss": val_loss, "val_acc": val_acc})

    guesses = scores.argmax(1)
    examples = [
        wandb.Image(held_images[n], caption=f"{CLASSES[guesses[n]]}, truly {CLASSES[held_labels[n]]}")
        for n in range(4)
    ]
    matrix = wandb.plot.confusion_matrix(
        y_true=held_labels.tolist(), preds=guesses.tolist(), class_names=CLASSES
    )
    pairs = [[CLASSES[guess], CLASSES[truth]] for guess, truth in zip(guesses, held_labels)]
    table = wandb.Table(columns=["guess", "truth"], data=pairs)
    wandb.log({"examples": examples, "confusion": matrix, "predictions": table})
    wandb.log({"scores": wandb.Histogram(scores)})
    torch.save(model.state_dict(), "model.pt")
    artifact = wandb.Artifact("convnet", type="model", metadata=dict(config))
    artifact.add_file("model.pt")
    run.log_artifact(artifact)
    wandb.summary["parameters"] = sum(p.numel() for p in model.parameters())
    wandb.finish()


if __name__ == "__main__":
    main()
