"""A line fitted with Accelerate, which includes a tracker for W&B."""

import argparse

import torch
import wandb
from accelerate import Accelerator

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()

accelerator = Accelerator(log_with="wandb", cpu=True)
accelerator.init_trackers("lines", config=vars(args), init_kwargs={"wandb": {"tags": ["line"]}})
x = torch.linspace(-1, 1, 64).unsqueeze(1)
model, optimizer = torch.nn.Linear(1, 1), None
optimizer = torch.optim.SGD(model.parameters(), lr=wandb.config["lr"])
model, optimizer = accelerator.prepare(model, optimizer)
for step in range(5):
    loss = torch.nn.functional.mse_loss(model(x), 3 * x + 1)
    accelerator.backward(loss)
    optimizer.step()
    optimizer.zero_grad()
    accelerator.log({"loss": loss.item()}, step=step)
accelerator.end_training()
