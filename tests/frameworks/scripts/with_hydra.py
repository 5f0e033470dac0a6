"""A script of Hydra, which takes `key=value` arguments: `${args_no_hyphens}` in the sweep file."""

import hydra
import wandb
from omegaconf import OmegaConf


@hydra.main(version_base=None, config_path="conf", config_name="config")
def main(cfg):
    with wandb.init(config=OmegaConf.to_container(cfg, resolve=True)) as run:
        for epoch in range(3):
            run.log({"epoch": epoch, "loss": cfg.lr / (epoch + cfg.model.depth)})
        run.summary["config"] = OmegaConf.to_yaml(cfg)


main()
