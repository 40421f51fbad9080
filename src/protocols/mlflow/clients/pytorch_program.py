"""Autologging of PyTorch by lightning: losses by epoch, the optimizer as parameters, and the network loaded back by its alias."""
import os
import warnings

os.environ["MLFLOW_AUTOLOGGING_TESTING"] = "true"  # what goes wrong in autologging is thrown, not warned of
warnings.filterwarnings("ignore")

import lightning
import mlflow
import torch
from mlflow import MlflowClient
from torch.utils.data import DataLoader, TensorDataset

client = MlflowClient()
torch.manual_seed(7)
X = torch.randn(256, 3)
y = X[:, :1] - 2 * X[:, 1:2]


class Line(lightning.LightningModule):
    def __init__(self):
        super().__init__()
        self.layer = torch.nn.Linear(3, 1)

    def forward(self, x):
        return self.layer(x)

    def training_step(self, batch, _):
        loss = torch.nn.functional.mse_loss(self(batch[0]), batch[1])
        self.log("loss", loss, on_epoch=True, on_step=False)
        return loss

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=0.1)


mlflow.set_experiment("pytorch")
mlflow.pytorch.autolog()
network = Line()
quiet = {"enable_progress_bar": False, "enable_model_summary": False, "enable_checkpointing": False, "logger": False}
with mlflow.start_run() as active:
    lightning.Trainer(max_epochs=4, accelerator="cpu", **quiet).fit(network, DataLoader(TensorDataset(X, y), batch_size=64))
run = client.get_run(active.info.run_id)

losses = client.get_metric_history(run.info.run_id, "loss")
assert len(losses) == 4 and losses[-1].value < losses[0].value, losses
assert (run.data.params["epochs"], run.data.params["optimizer_name"], run.data.params["lr"]) == ("4", "Adam", "0.1"), run.data.params
assert run.info.status == "FINISHED"
made = run.outputs.model_outputs[0].model_id
mlflow.register_model(f"models:/{made}", "line")
client.set_registered_model_alias("line", "champion", "1")
loaded = mlflow.pytorch.load_model("models:/line@champion")
with torch.no_grad():
    assert torch.equal(loaded(X), network(X))
assert [model.model_id for model in client.search_logged_models([run.info.experiment_id])] == [made]
