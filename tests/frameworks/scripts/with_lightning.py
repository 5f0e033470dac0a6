"""A line fitted by Lightning, with the WandbLogger that it ships."""

import argparse

import pytorch_lightning as lightning
import torch
from pytorch_lightning.loggers import WandbLogger
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=0.1)
args = parser.parse_args()


class Line(lightning.LightningModule):
    def __init__(self, lr):
        super().__init__()
        self.save_hyperparameters()
        self.layer = nn.Linear(1, 1)

    def training_step(self, batch, _):
        loss = nn.functional.mse_loss(self.layer(batch[0]), batch[1])
        self.log("train_loss", loss)
        return loss

    def validation_step(self, batch, _):
        self.log("val_loss", nn.functional.mse_loss(self.layer(batch[0]), batch[1]))

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=self.hparams.lr)


lightning.seed_everything(0)
x = torch.linspace(-1, 1, 64).unsqueeze(1)
data = DataLoader(TensorDataset(x, 3 * x + 1), batch_size=16)
logger = WandbLogger(project="lines", name="line", log_model="all")
model = Line(args.lr)
logger.watch(model)
trainer = lightning.Trainer(
    max_epochs=3,
    logger=logger,
    log_every_n_steps=2,
    enable_progress_bar=False,
    enable_model_summary=False,
    accelerator="cpu",
)
trainer.fit(model, data, data)
line = [model.layer.weight.item(), model.layer.bias.item()]
logger.log_table("line", columns=["slope", "offset"], data=[line])
logger.log_image("pictures", [torch.rand(3, 8, 8)], caption=["noise"])
logger.experiment.summary["slope"] = model.layer.weight.item()
