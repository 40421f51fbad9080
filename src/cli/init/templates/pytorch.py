import millwright
import torch

job = millwright.job()  # job.X and job.y: the training rows, as pandas
torch.manual_seed(job.seed)

X = torch.tensor(job.X.to_numpy("float32"))
y = torch.tensor(job.y.to_numpy(), dtype=torch.long)


class Network(torch.nn.Module):
    """Takes the features as they are, [rows, features]: what it needs to know of them is learnt here and kept with it."""

    def __init__(self, X, classes):
        super().__init__()
        self.register_buffer("mean", X.nanmean(0))
        self.register_buffer("scale", ((X - X.nanmean(0)) ** 2).nanmean(0).sqrt())
        self.layers = torch.nn.Sequential(torch.nn.Linear(X.shape[1], 32), torch.nn.ReLU(), torch.nn.Linear(32, classes))

    def forward(self, X):
        return self.layers(torch.nan_to_num((X - self.mean) / self.scale))


model = Network(X, len(job.classes))
optimizer = torch.optim.Adam(model.parameters(), lr=0.01)
for epoch in range(job.params["epochs"]):
    for rows in torch.randperm(len(X)).split(32):
        optimizer.zero_grad()
        loss = torch.nn.functional.cross_entropy(model(X[rows]), y[rows])
        loss.backward()
        optimizer.step()
    job.log(loss=loss, step=epoch)
    job.progress(epoch + 1, job.params["epochs"])

job.save(model)  # its outputs are logits: job.save(model, output="probabilities") where they are not
