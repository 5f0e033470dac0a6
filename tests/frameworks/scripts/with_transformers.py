"""A small BERT of random weights, trained by Transformers' Trainer with the W&B callback that it ships."""

import argparse

import torch
import wandb
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

parser = argparse.ArgumentParser()
parser.add_argument("--learning_rate", type=float, default=1e-3)
args = parser.parse_args()


class Pairs(torch.utils.data.Dataset):
    """True if the first word is among the small ones."""

    def __init__(self, count, seed):
        self.words = torch.randint(0, 50, (count, 8), generator=torch.Generator().manual_seed(seed))

    def __len__(self):
        return len(self.words)

    def __getitem__(self, index):
        words = self.words[index]
        return {"input_ids": words, "labels": (words[0] < 25).long()}


model = BertForSequenceClassification(
    BertConfig(
        vocab_size=50,
        hidden_size=16,
        num_hidden_layers=1,
        num_attention_heads=2,
        intermediate_size=16,
        num_labels=2,
    )
)
trainer = Trainer(
    model=model,
    args=TrainingArguments(
        output_dir="out",
        report_to="wandb",
        run_name="bert",
        learning_rate=args.learning_rate,
        num_train_epochs=2,
        logging_steps=4,
        eval_strategy="epoch",
        save_strategy="no",
        disable_tqdm=True,
        use_cpu=True,
    ),
    train_dataset=Pairs(128, 0),
    eval_dataset=Pairs(32, 1),
)
trainer.train()
wandb.summary["seen"] = trainer.state.global_step
