import millwright
import torch
from torch import nn

job = millwright.job()  # job.X: a column for each of 8 x 8 pixels, from 0 to 16
torch.manual_seed(job.seed)

X = torch.tensor(job.X.to_numpy("float32"))
y = torch.tensor(job.y.to_numpy(), dtype=torch.long)


class Images(nn.Module):
    def forward(self, X):
        return (X / 16).reshape(-1, 1, 8, 8)


model = nn.Sequential(
    *[Images(), nn.Conv2d(1, 16, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
    *[nn.Conv2d(16, 32, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)],
    *[nn.Flatten(), nn.Linear(32 * 2 * 2, len(job.classes))],
)
optimizer = torch.optim.Adam(model.parameters(), lr=0.005)
for epoch in range(job.params["epochs"]):
    for rows in torch.randperm(len(X)).split(64):
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(model(X[rows]), y[rows])
        loss.backward()
        optimizer.step()
    job.log(loss=loss, step=epoch)
    job.progress(epoch + 1, job.params["epochs"])

model.eval()
job.save(model)
