import millwright
from lightgbm import LGBMClassifier

job = millwright.job()  # job.X and job.y: the training rows, as pandas

model = LGBMClassifier(
    n_estimators=job.params["trees"], num_leaves=8, min_child_samples=5, deterministic=True, random_state=job.seed, n_jobs=job.threads, verbose=-1
)
model.fit(job.X, job.y)

job.log(training_accuracy=model.score(job.X, job.y))  # any MLflow client logs to the same run
job.save(model)
